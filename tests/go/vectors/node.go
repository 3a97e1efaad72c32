package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// order is one line of stdin: the first is the node's layers and name, the others say what happens.
type order struct {
	Do    string `json:"do"`
	Hex   string `json:"hex"`
	Name  string `json:"name"`
	Layer layers `json:"layers"`
}

// happening is one line of stdout.
type happening struct {
	Event   string   `json:"event"`
	Name    string   `json:"name,omitempty"`
	Hex     hexBytes `json:"hex,omitempty"`
	Address string   `json:"address,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// pipeNode is one real memberlist node whose network, delegate and commander are a pipe.
type pipeNode struct {
	lock    sync.Mutex
	out     *json.Encoder
	packets chan *memberlist.Packet
	streams chan net.Conn
	// dialed is the connection that the node has opened last.
	dialed net.Conn
}

var stranger = &net.UDPAddr{IP: net.IPv4(10, 0, 0, 99).To4(), Port: port}

func runNode(in io.Reader, out io.Writer) error {
	node := &pipeNode{
		out:     json.NewEncoder(out),
		packets: make(chan *memberlist.Packet, 64),
		streams: make(chan net.Conn, 8),
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	var list *memberlist.Memberlist
	for lines.Scan() {
		var next order
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			return fmt.Errorf("an order is not JSON: %w", err)
		}
		var err error
		if list, err = node.obey(next, list); err != nil {
			node.tell(happening{Event: "error", Error: err.Error()})
		}
	}
	return lines.Err()
}

func (n *pipeNode) start(o order) (*memberlist.Memberlist, error) {
	config, err := o.Layer.config(o.Name, n)
	if err != nil {
		return nil, err
	}
	config.Delegate, config.Events, config.Ping = n, n, n
	config.PushPullInterval = 0
	// A minute between probes: only what the test orders is sent.
	config.ProbeInterval = time.Minute
	config.ProbeTimeout = 5 * time.Second
	return memberlist.Create(config)
}

func (n *pipeNode) obey(o order, list *memberlist.Memberlist) (*memberlist.Memberlist, error) {
	if list == nil {
		if o.Do != "start" {
			return nil, errors.New("the first order must be start")
		}
		return n.start(o)
	}
	bytes, err := hex.DecodeString(o.Hex)
	if err != nil {
		return list, err
	}
	switch o.Do {
	case "packet":
		n.packets <- &memberlist.Packet{Buf: bytes, From: stranger, Timestamp: time.Now()}
	case "stream":
		near, far := net.Pipe()
		n.streams <- far
		go n.exchange(near, bytes)
	case "answer":
		n.lock.Lock()
		conn := n.dialed
		n.lock.Unlock()
		_, err = conn.Write(bytes)
	case "ping":
		go func() {
			if _, err := list.Ping(o.Name, stranger); err != nil {
				n.tell(happening{Event: "unanswered", Name: o.Name, Error: err.Error()})
				return
			}
			n.tell(happening{Event: "answered", Name: o.Name})
		}()
	case "join":
		go func() {
			if _, err := list.Join([]string{stranger.String()}); err != nil {
				n.tell(happening{Event: "unjoined", Error: err.Error()})
				return
			}
			n.tell(happening{Event: "joined"})
		}()
	default:
		err = fmt.Errorf("order %q is not known", o.Do)
	}
	return list, err
}

// exchange writes a stream and tells what comes back, if anything.
func (n *pipeNode) exchange(conn net.Conn, bytes []byte) {
	if _, err := conn.Write(bytes); err != nil {
		n.tell(happening{Event: "unread", Error: err.Error()})
	}
	reply, _ := io.ReadAll(conn)
	n.tell(happening{Event: "reply", Hex: reply})
}

func (n *pipeNode) tell(h happening) {
	n.lock.Lock()
	defer n.lock.Unlock()
	// A closed pipe means that the test is over, and so is this process.
	_ = n.out.Encode(h)
}

// The node's network.

func (n *pipeNode) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(10, 0, 0, 1).To4(), port, nil
}

func (n *pipeNode) WriteTo(b []byte, address string) (time.Time, error) {
	n.tell(happening{Event: "packet", Address: address, Hex: b})
	return time.Now(), nil
}

func (n *pipeNode) PacketCh() <-chan *memberlist.Packet { return n.packets }

func (n *pipeNode) DialTimeout(address string, _ time.Duration) (net.Conn, error) {
	near, far := net.Pipe()
	n.lock.Lock()
	n.dialed = near
	n.lock.Unlock()
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			count, err := near.Read(chunk)
			if count > 0 {
				n.tell(happening{Event: "chunk", Address: address, Hex: chunk[:count]})
			}
			if err != nil {
				return
			}
		}
	}()
	return far, nil
}

func (n *pipeNode) StreamCh() <-chan net.Conn { return n.streams }
func (n *pipeNode) Shutdown() error           { return nil }

// The node's delegate.

func (n *pipeNode) NodeMeta(int) []byte             { return []byte("meta of the Go node") }
func (n *pipeNode) NotifyMsg(b []byte)              { n.tell(happening{Event: "user", Hex: b}) }
func (n *pipeNode) GetBroadcasts(int, int) [][]byte { return nil }
func (n *pipeNode) LocalState(bool) []byte          { return []byte("state of the Go node") }

func (n *pipeNode) MergeRemoteState(b []byte, _ bool) {
	n.tell(happening{Event: "merged", Hex: b})
}

func (n *pipeNode) NotifyJoin(m *memberlist.Node)   { n.tellMember("member_joined", m) }
func (n *pipeNode) NotifyLeave(m *memberlist.Node)  { n.tellMember("member_gone", m) }
func (n *pipeNode) NotifyUpdate(m *memberlist.Node) { n.tellMember("member_updated", m) }

func (n *pipeNode) tellMember(event string, m *memberlist.Node) {
	n.tell(happening{
		Event: event, Name: m.Name, Address: m.Address(), Hex: m.Meta,
	})
}

func (n *pipeNode) AckPayload() []byte { return []byte("payload of the Go node") }

func (n *pipeNode) NotifyPingComplete(*memberlist.Node, time.Duration, []byte) {}
