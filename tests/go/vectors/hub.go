package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const port = 7946

// capture is one packet, or all bytes that one end wrote to one stream.
type capture struct {
	stream bool
	// reply says that the bytes of a stream came from the end that was dialed.
	reply bool
	bytes []byte
}

// hub connects nodes in this process, keeps all that they send, and loses what it is told to lose.
type hub struct {
	label    string
	lock     sync.Mutex
	nodes    map[string]*hubTransport
	captures []*capture
	lost     func(from, to string, stream bool) bool
}

func newHub(label string) *hub {
	return &hub{
		label: label,
		nodes: map[string]*hubTransport{},
		lost:  func(string, string, bool) bool { return false },
	}
}

func (h *hub) lose(lost func(from, to string, stream bool) bool) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.lost = lost
}

func (h *hub) record(c capture) *capture {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.captures = append(h.captures, &c)
	return &c
}

// route finds who listens at address ("host:port").
func (h *hub) route(from, address string, stream bool) (*hubTransport, bool) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, to := range h.nodes {
		if to.address().String() == address {
			return to, !h.lost(from, to.host, stream)
		}
	}
	return nil, false
}

// transport gives the node called host a place in the network.
func (h *hub) transport(host string, ipv6 bool) *hubTransport {
	h.lock.Lock()
	defer h.lock.Unlock()
	ip := net.IPv4(10, 0, 0, byte(len(h.nodes)+1)).To4()
	if ipv6 {
		ip = net.ParseIP(fmt.Sprintf("fd00::ab:%d", len(h.nodes)+1))
	}
	t := &hubTransport{
		hub:     h,
		host:    host,
		ip:      ip,
		packets: make(chan *memberlist.Packet, 1024),
		streams: make(chan net.Conn, 64),
	}
	h.nodes[host] = t
	return t
}

// address is where the node called host listens.
func (h *hub) address(host string) string {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.nodes[host].address().String()
}

// hubTransport is one node's memberlist.Transport.
type hubTransport struct {
	hub     *hub
	host    string
	ip      net.IP
	packets chan *memberlist.Packet
	streams chan net.Conn
}

func (t *hubTransport) address() *net.UDPAddr {
	return &net.UDPAddr{IP: t.ip, Port: port}
}

func (t *hubTransport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.address().IP, port, nil
}

func (t *hubTransport) WriteTo(b []byte, address string) (time.Time, error) {
	sent := bytes.Clone(b)
	t.hub.record(capture{bytes: sent})
	if to, reachable := t.hub.route(t.host, address, false); reachable {
		// A receiver may change the bytes, so it has its own.
		to.packets <- &memberlist.Packet{
			Buf: bytes.Clone(sent), From: t.address(), Timestamp: time.Now(),
		}
	}
	return time.Now(), nil
}

func (t *hubTransport) PacketCh() <-chan *memberlist.Packet { return t.packets }

func (t *hubTransport) DialTimeout(address string, _ time.Duration) (net.Conn, error) {
	to, reachable := t.hub.route(t.host, address, true)
	if !reachable {
		return nil, errors.New("no route")
	}
	near, far := net.Pipe()
	to.streams <- t.hub.recorded(far, true)
	return t.hub.recorded(near, false), nil
}

func (t *hubTransport) StreamCh() <-chan net.Conn { return t.streams }

func (t *hubTransport) Shutdown() error { return nil }

// recordedConn keeps what is written to it.
type recordedConn struct {
	net.Conn
	hub     *hub
	capture *capture
}

func (h *hub) recorded(conn net.Conn, reply bool) net.Conn {
	return &recordedConn{Conn: conn, hub: h, capture: h.record(capture{stream: true, reply: reply})}
}

func (c *recordedConn) Write(b []byte) (int, error) {
	c.hub.lock.Lock()
	c.capture.bytes = append(c.capture.bytes, b...)
	c.hub.lock.Unlock()
	return c.Conn.Write(b)
}
