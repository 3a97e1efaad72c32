// Relay makes a slow network out of a fast one: what a router sends into a TUN device comes back
// out of it later, sometimes twice, sometimes in another order. It reads its faults as one JSON
// object a line on stdin, so that they can change while it runs, and ends when stdin does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
)

// faults is what happens to each packet. All are independent of each other.
type faults struct {
	DelayMs          float64 `json:"delayMs"`
	JitterMs         float64 `json:"jitterMs"`
	DuplicatePercent float64 `json:"duplicatePercent"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: relay TUN-DEVICE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

func run(name string) error {
	device, err := openTun(name)
	if err != nil {
		return err
	}
	var current atomic.Pointer[faults]
	current.Store(&faults{})
	line := &delayLine{device: device, wake: make(chan struct{}, 1)}
	go line.deliver()
	go line.receive(&current)
	fmt.Println("ready")

	changes := bufio.NewScanner(os.Stdin)
	for changes.Scan() {
		next := &faults{}
		if err := json.Unmarshal(changes.Bytes(), next); err != nil {
			return fmt.Errorf("faults are not JSON: %w", err)
		}
		current.Store(next)
		fmt.Println("changed")
	}
	return changes.Err()
}
