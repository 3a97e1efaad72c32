package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// settings is the command line, understood.
type settings struct {
	name, label, profile       string
	host, advertiseHost        string
	port, advertisePort, count int
	join                       []string
	meta                       []byte
	keys                       [][]byte
	compress                   bool
	delegateVersions           [3]uint8
}

func parseSettings(arguments []string) (settings, error) {
	var made settings
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	flags.StringVar(&made.name, "name", "", "unique node name")
	flags.StringVar(&made.label, "label", "", "label on every packet and stream")
	flags.StringVar(&made.profile, "profile", "lan", "memberlist's timing: lan, wan or local")
	flags.IntVar(&made.count, "count", 1, "members in this process; all but the first only answer")
	flags.BoolVar(&made.compress, "compress", true, "compress what is sent")
	bind := flags.String("bind", "127.0.0.1:0", "host:port")
	advertise := flags.String("advertise", "", "host:port that others are told")
	join := flags.String("join", "", "host:port,… to join at start")
	tags := flags.String("tags", "", "key=value,… published in Serf's form")
	meta := flags.String("meta", "", "base64 of the node meta, in place of -tags")
	keys := flags.String("keys", "", "base64,…: the first encrypts, all decrypt")
	versions := flags.String("delegate-versions", "0,0,0", "minimum,maximum,current")
	if err := flags.Parse(arguments); err != nil {
		return made, err
	}
	if made.name == "" {
		return made, fmt.Errorf("-name is missing")
	}
	var err error
	if made.host, made.port, err = splitHostPort(*bind); err != nil {
		return made, err
	}
	if *advertise != "" {
		if made.advertiseHost, made.advertisePort, err = splitHostPort(*advertise); err != nil {
			return made, err
		}
	}
	made.join = splitList(*join)
	if made.meta, err = parseMeta(*meta, *tags); err != nil {
		return made, err
	}
	for _, text := range splitList(*keys) {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return made, fmt.Errorf("-keys: %w", err)
		}
		made.keys = append(made.keys, key)
	}
	_, err = fmt.Sscanf(*versions, "%d,%d,%d",
		&made.delegateVersions[0], &made.delegateVersions[1], &made.delegateVersions[2])
	if err != nil {
		return made, fmt.Errorf("-delegate-versions %q: %w", *versions, err)
	}
	return made, nil
}

// memberlistConfig is memberlist's own configuration for these settings, its defaults untouched.
func (s settings) memberlistConfig() *memberlist.Config {
	config := map[string]func() *memberlist.Config{
		"wan":   memberlist.DefaultWANConfig,
		"local": memberlist.DefaultLocalConfig,
	}[s.profile]
	if config == nil {
		config = memberlist.DefaultLANConfig
	}
	made := config()
	made.Name = s.name
	made.Label = s.label
	made.BindAddr, made.BindPort = s.host, s.port
	made.AdvertiseAddr, made.AdvertisePort = s.advertiseHost, s.advertisePort
	made.EnableCompression = s.compress
	made.DelegateProtocolMin = s.delegateVersions[0]
	made.DelegateProtocolMax = s.delegateVersions[1]
	made.DelegateProtocolVersion = s.delegateVersions[2]
	if len(s.keys) > 0 {
		made.SecretKey = s.keys[0]
		// The error can only be a key of a wrong length, which Create reports.
		made.Keyring, _ = memberlist.NewKeyring(s.keys, s.keys[0])
	}
	return made
}

// calm slows what a crowd of members in one process does on its own; how it answers stays the same.
// Otherwise each of five hundred joins is told a dozen times by each of five hundred members, and on
// a busy machine they drown in it and take each other for dead.
func calm(config *memberlist.Config) {
	config.ProbeInterval = 30 * time.Second
	config.GossipInterval = time.Second
	config.GossipNodes = 1
	config.RetransmitMult = 1
	config.PushPullInterval = 0
}

func splitHostPort(text string) (string, int, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.Atoi(port)
	return host, number, err
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func parseMeta(meta, tags string) ([]byte, error) {
	if meta != "" {
		return base64.StdEncoding.DecodeString(meta)
	}
	if tags == "" {
		return nil, nil
	}
	made := map[string]string{}
	for _, pair := range splitList(tags) {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, fmt.Errorf("-tags: %q is not key=value", pair)
		}
		made[key] = value
	}
	return encodeTags(made)
}
