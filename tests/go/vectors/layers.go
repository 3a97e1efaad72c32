package main

import (
	"encoding/hex"
	"io"
	"log"
	"time"

	"github.com/hashicorp/memberlist"
)

// layers says what is wrapped around the messages of a cluster.
type layers struct {
	Name            string   `json:"name"`
	Label           string   `json:"label"`
	Keys            []string `json:"keys"`
	Compress        bool     `json:"compress"`
	ProtocolVersion uint8    `json:"protocolVersion"`
	IPv6            bool     `json:"ipv6"`
}

const (
	key16 = "000102030405060708090a0b0c0d0e0f"
	key24 = "101112131415161718191a1b1c1d1e1f2021222324252627"
	key32 = "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f"
)

var allLayers = []layers{
	{Name: "plain", ProtocolVersion: 2},
	{Name: "protocol5", ProtocolVersion: 5},
	{Name: "ipv6", IPv6: true, ProtocolVersion: 2},
	{Name: "compressed", Compress: true, ProtocolVersion: 2},
	{Name: "labelled", Label: "cluster-a", ProtocolVersion: 2},
	{Name: "encrypted_v0", Keys: []string{key16}, ProtocolVersion: 1},
	{Name: "encrypted_v1_128", Keys: []string{key16}, ProtocolVersion: 2},
	{Name: "encrypted_v1_192", Keys: []string{key24, key16}, ProtocolVersion: 2},
	{Name: "encrypted_v1_256", Keys: []string{key32}, ProtocolVersion: 2},
	{Name: "everything", Label: "cluster-b", Keys: []string{key32}, Compress: true, ProtocolVersion: 5},
	{Name: "everything_v0", Label: "cluster-c", Keys: []string{key16}, Compress: true, ProtocolVersion: 1},
}

// config is memberlist's, with intervals short enough for a run of a few seconds.
func (l layers) config(name string, transport memberlist.Transport) (*memberlist.Config, error) {
	config := memberlist.DefaultLANConfig()
	config.Name = name
	config.Transport = transport
	config.BindPort = port
	config.AdvertisePort = port
	config.Label = l.Label
	config.EnableCompression = l.Compress
	config.ProtocolVersion = l.ProtocolVersion
	config.ProbeInterval = 200 * time.Millisecond
	config.ProbeTimeout = 40 * time.Millisecond
	config.GossipInterval = 30 * time.Millisecond
	config.PushPullInterval = 400 * time.Millisecond
	config.TCPTimeout = time.Second
	config.SuspicionMult = 2
	config.SuspicionMaxTimeoutMult = 1
	config.Logger = log.New(io.Discard, "", 0)
	keys := make([][]byte, 0, len(l.Keys))
	for _, text := range l.Keys {
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		keyring, err := memberlist.NewKeyring(keys, keys[0])
		if err != nil {
			return nil, err
		}
		config.Keyring = keyring
	}
	return config, nil
}
