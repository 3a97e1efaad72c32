package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// vector is one capture as it is written to the file.
type vector struct {
	Name     string    `json:"name"`
	Stream   bool      `json:"stream"`
	Reply    bool      `json:"reply"`
	Hex      hexBytes  `json:"hex"`
	Messages []message `json:"messages"`
}

// vectorFile holds what one cluster sent.
type vectorFile struct {
	MadeBy  string   `json:"madeBy"`
	Layers  layers   `json:"layers"`
	Vectors []vector `json:"vectors"`
}

func makeVectors(directory string) error {
	if err := makeLzwVectors(filepath.Join(directory, "lzw.json")); err != nil {
		return err
	}
	for _, layers := range allLayers {
		if layers.Keys == nil {
			// An empty list in the file, not null.
			layers.Keys = []string{}
		}
		captures, err := runCluster(layers)
		if err != nil {
			return fmt.Errorf("%s: %w", layers.Name, err)
		}
		file := vectorFile{MadeBy: "hashicorp/memberlist v0.7.0", Layers: layers}
		if file.Vectors, err = choose(captures, layers); err != nil {
			return fmt.Errorf("%s: %w", layers.Name, err)
		}
		path := filepath.Join(directory, layers.Name+".json")
		if err := writeJSON(path, file); err != nil {
			return err
		}
		fmt.Printf("%s: %d vectors\n", path, len(file.Vectors))
	}
	return nil
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// choose keeps the first capture of each shape: its layers and the types of its messages, those of
// a compound reduced to the one type that no capture before had in a compound.
func choose(captures []*capture, l layers) ([]vector, error) {
	vectors := []vector{}
	seen := map[string]bool{}
	for _, c := range captures {
		if len(c.bytes) == 0 {
			continue
		}
		o, err := openCapture(c, l)
		if err != nil {
			return nil, fmt.Errorf("%x: %w", c.bytes, err)
		}
		if !isNew(c, o, seen) {
			continue
		}
		kind := "packet"
		if c.stream && c.reply {
			kind = "reply"
		} else if c.stream {
			kind = "stream"
		}
		vectors = append(vectors, vector{
			Name: kind + "/" + o.path(), Stream: c.stream, Reply: c.reply,
			Hex: c.bytes, Messages: o.messages,
		})
	}
	return vectors, nil
}

func isNew(c *capture, o *opened, seen map[string]bool) bool {
	where := fmt.Sprintf("%v/%v/%s", c.stream, c.reply, strings.Join(o.layers, "/"))
	found := false
	for _, message := range o.messages {
		key := where + "/" + message.Type
		switch fields := message.Fields.(type) {
		case pushPullFields:
			key = fmt.Sprintf("%s/%v", key, fields.Join)
		case *accusationFields:
			key = fmt.Sprintf("%s/%v", key, fields.Node == fields.From)
		}
		if !seen[key] {
			seen[key] = true
			found = true
		}
	}
	return found
}

// tester is a node's delegate: it gives the node a meta, a state of its own and news to spread.
type tester struct {
	meta string
	news [][]byte
}

func (t *tester) NodeMeta(int) []byte { return []byte(t.meta) }
func (t *tester) NotifyMsg([]byte)    {}
func (t *tester) GetBroadcasts(int, int) [][]byte {
	news := t.news
	t.news = nil
	return news
}
func (t *tester) LocalState(bool) []byte                                     { return []byte("state of " + t.meta) }
func (t *tester) MergeRemoteState([]byte, bool)                              {}
func (t *tester) AckPayload() []byte                                         { return []byte("payload of " + t.meta) }
func (t *tester) NotifyPingComplete(*memberlist.Node, time.Duration, []byte) {}

const (
	alphaHost = "alpha"
	betaHost  = "beta"
	gammaHost = "gamma"
)

// runCluster takes three nodes through all that makes them send something.
func runCluster(l layers) ([]*capture, error) {
	hub := newHub(l.Label)
	nodes := map[string]*memberlist.Memberlist{}
	delegates := map[string]*tester{}
	for _, member := range []struct{ name, host string }{
		{"alpha", alphaHost}, {"beta", betaHost}, {"gämma", gammaHost},
	} {
		config, err := l.config(member.name, hub.transport(member.host, l.IPv6))
		if err != nil {
			return nil, err
		}
		// Beta has no delegate, so that nil meta, payload and state are seen as well.
		if member.name != "beta" {
			delegates[member.host] = &tester{meta: "role=" + member.name}
			config.Delegate = delegates[member.host]
			config.Ping = delegates[member.host]
		}
		node, err := memberlist.Create(config)
		if err != nil {
			return nil, err
		}
		defer func() { _ = node.Shutdown() }()
		nodes[member.host] = node
	}
	alpha, beta := nodes[alphaHost], nodes[betaHost]
	for _, host := range []string{betaHost, gammaHost} {
		if _, err := nodes[host].Join([]string{hub.address(alphaHost)}); err != nil {
			return nil, err
		}
	}
	if err := talk(hub, nodes, delegates); err != nil {
		return nil, err
	}
	// Gamma cannot be reached by UDP from alpha, so that alpha asks beta and tries TCP.
	hub.lose(func(from, to string, stream bool) bool {
		return !stream && (from == alphaHost && to == gammaHost || from == gammaHost && to == alphaHost)
	})
	time.Sleep(800 * time.Millisecond)
	// Gamma is gone: nacks, suspicion, death.
	hub.lose(func(from, to string, _ bool) bool { return from == gammaHost || to == gammaHost })
	time.Sleep(2500 * time.Millisecond)
	if err := beta.Leave(time.Second); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	if err := alpha.Shutdown(); err != nil {
		return nil, err
	}
	hub.lock.Lock()
	defer hub.lock.Unlock()
	return append([]*capture{}, hub.captures...), nil
}

// talk sends user messages every way there is, an update, and nonsense that earns an error.
func talk(hub *hub, nodes map[string]*memberlist.Memberlist, delegates map[string]*tester) error {
	alpha := nodes[alphaHost]
	time.Sleep(500 * time.Millisecond)
	var beta *memberlist.Node
	for _, member := range alpha.Members() {
		if member.Name == "beta" {
			beta = member
		}
	}
	if beta == nil {
		return fmt.Errorf("beta did not join")
	}
	long := []byte(strings.Repeat("a user message that is worth compressing; ", 12))
	for _, payload := range [][]byte{[]byte("hello"), long} {
		if err := alpha.SendBestEffort(beta, payload); err != nil {
			return err
		}
		if err := alpha.SendReliable(beta, payload); err != nil {
			return err
		}
	}
	delegates[alphaHost].news = [][]byte{append([]byte{user}, "news"...)}
	delegates[alphaHost].meta = "role=alpha,updated=yes," + strings.Repeat("zone=b,", 40)
	if err := alpha.UpdateNode(time.Second); err != nil {
		return err
	}
	conn, err := hub.transport("stranger", false).DialTimeout(hub.address(alphaHost), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return earnError(hub, conn)
}

// earnError writes what no node accepts; the reply is captured and the nonsense is not.
func earnError(hub *hub, conn net.Conn) error {
	nonsense := []byte{compressed, 0x82, 0xa4, 'A', 'l', 'g', 'o', 7, 0xa3, 'B', 'u', 'f', 0xa1, 'x'}
	if hub.label != "" {
		nonsense = append(append([]byte{244, byte(len(hub.label))}, hub.label...), nonsense...)
	}
	inner := conn.(*recordedConn).Conn
	if _, err := inner.Write(nonsense); err != nil {
		return err
	}
	_, err := io.ReadAll(inner)
	return err
}
