package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// node is one member: its meta, and what it reports where it is the steered one.
type node struct {
	list    *memberlist.Memberlist
	keyring *memberlist.Keyring
	reports *reporter

	lock sync.Mutex
	meta []byte
}

// command is one line of stdin.
type command struct {
	ID        int               `json:"id"`
	Command   string            `json:"command"`
	Addresses []string          `json:"addresses"`
	TimeoutMs int               `json:"timeoutMs"`
	Tags      map[string]string `json:"tags"`
	Name      string            `json:"name"`
	Payload   []byte            `json:"payload"`
	Packet    bool              `json:"packet"`
	Key       []byte            `json:"key"`
}

// carryOut does what a command says and returns the reply to it.
func (n *node) carryOut(c command) report {
	reply := report{Event: "reply", ID: c.ID}
	var err error
	switch c.Command {
	case "join":
		reply.Count, err = n.list.Join(c.Addresses)
	case "leave":
		err = n.list.Leave(time.Duration(c.TimeoutMs) * time.Millisecond)
	case "update":
		err = n.update(c)
	case "members":
		reply.Members = readMembers(n.list)
	case "send":
		err = n.send(c)
	case "use-key":
		err = n.keyring.UseKey(c.Key)
	default:
		err = fmt.Errorf("unknown command %q", c.Command)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

func (n *node) update(c command) error {
	meta, err := encodeTags(c.Tags)
	if err != nil {
		return err
	}
	n.lock.Lock()
	n.meta = meta
	n.lock.Unlock()
	return n.list.UpdateNode(time.Duration(c.TimeoutMs) * time.Millisecond)
}

func (n *node) send(c command) error {
	for _, member := range n.list.Members() {
		if member.Name != c.Name {
			continue
		}
		if c.Packet {
			return n.list.SendBestEffort(member, c.Payload)
		}
		return n.list.SendReliable(member, c.Payload)
	}
	return fmt.Errorf("no live member is named %q", c.Name)
}

// NodeMeta implements memberlist.Delegate.
func (n *node) NodeMeta(limit int) []byte {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.meta
}

// NotifyMsg implements memberlist.Delegate.
func (n *node) NotifyMsg(payload []byte) {
	if n.reports != nil {
		n.reports.write(report{Event: "message", Payload: append([]byte{}, payload...)})
	}
}

// GetBroadcasts implements memberlist.Delegate.
func (n *node) GetBroadcasts(overhead, limit int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (n *node) LocalState(join bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate.
func (n *node) MergeRemoteState(state []byte, join bool) {}

// NotifyJoin implements memberlist.EventDelegate.
func (n *node) NotifyJoin(member *memberlist.Node) { n.reports.write(aboutMember("join", member)) }

// NotifyUpdate implements memberlist.EventDelegate.
func (n *node) NotifyUpdate(member *memberlist.Node) { n.reports.write(aboutMember("update", member)) }

// NotifyLeave implements memberlist.EventDelegate. memberlist calls it for both endings.
func (n *node) NotifyLeave(member *memberlist.Node) {
	event := "failed"
	if stateOf(member).State == memberlist.StateLeft {
		event = "left"
	}
	n.reports.write(aboutMember(event, member))
}
