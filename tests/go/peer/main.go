// Peer is a bare hashicorp memberlist node that a test steers: it prints what happens to it as one
// JSON object a line on stdout and takes commands as one JSON object a line on stdin. It ends when
// stdin does, so that it cannot outlive its test.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/hashicorp/memberlist"
)

func main() {
	settings, err := parseSettings(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(2)
	}
	if err := run(settings); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(settings settings) error {
	reports := newReporter(os.Stdout)
	node, err := startNode(settings, reports)
	if err != nil {
		return err
	}
	if err := startCrowd(settings, node.list); err != nil {
		return err
	}
	local := node.list.LocalNode()
	reports.write(report{Event: "ready", Name: local.Name, Address: local.Address()})

	commands := bufio.NewScanner(os.Stdin)
	commands.Buffer(nil, 16<<20)
	for commands.Scan() {
		var next command
		if err := json.Unmarshal(commands.Bytes(), &next); err != nil {
			return fmt.Errorf("a command is not JSON: %w", err)
		}
		if next.Command == "quit" {
			return node.list.Shutdown()
		}
		// A leave or a join may take seconds; what comes after it does not wait.
		go func() { reports.write(node.carryOut(next)) }()
	}
	return commands.Err()
}

// startNode makes the one member that is steered.
func startNode(settings settings, reports *reporter) (*node, error) {
	node := &node{meta: settings.meta, reports: reports}
	config := settings.memberlistConfig()
	config.Delegate = node
	config.Events = node
	config.Logger = log.New(&logWatcher{reports: reports, name: settings.name}, "", 0)
	node.keyring = config.Keyring
	list, err := memberlist.Create(config)
	if err != nil {
		return nil, err
	}
	node.list = list
	if len(settings.join) > 0 {
		if _, err := list.Join(settings.join); err != nil {
			return nil, err
		}
	}
	return node, nil
}

// startCrowd makes the other members that this process hosts, each with sockets of its own, and
// joins each to the steered one.
func startCrowd(settings settings, first *memberlist.Memberlist) error {
	local := first.LocalNode()
	for index := 1; index < settings.count; index++ {
		config := settings.memberlistConfig()
		config.Name = fmt.Sprintf("%s-%d", settings.name, index)
		config.BindPort, config.AdvertisePort = 0, 0
		config.Delegate = &node{meta: settings.meta}
		config.Logger = log.New(discard{}, "", 0)
		calm(config)
		member, err := memberlist.Create(config)
		if err != nil {
			return err
		}
		if _, err := member.Join([]string{local.Address()}); err != nil {
			return err
		}
	}
	return nil
}
