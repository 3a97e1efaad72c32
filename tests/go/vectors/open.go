package main

import (
	"bytes"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// Wire numbers of memberlist's message types.
const (
	ping = iota
	indirectPing
	ack
	suspect
	alive
	dead
	pushPull
	compound
	user
	compressed
	encrypted
	nack
	hasCrc
	errorReply
)

// hexBytes is written to JSON in hexadecimal.
type hexBytes []byte

func (b hexBytes) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(b)) }

// message is one message with the fields that memberlist gave it.
type message struct {
	Type   string `json:"type"`
	Fields any    `json:"fields"`
}

type pingFields struct {
	SeqNo      uint32
	Node       string
	SourceAddr hexBytes
	SourcePort uint16
	SourceNode string
}

type indirectPingFields struct {
	SeqNo      uint32
	Target     hexBytes
	Port       uint16
	Node       string
	Nack       bool
	SourceAddr hexBytes
	SourcePort uint16
	SourceNode string
}

type ackFields struct {
	SeqNo   uint32
	Payload hexBytes
}

type nackFields struct{ SeqNo uint32 }

type errorFields struct{ Error string }

type accusationFields struct {
	Incarnation uint32
	Node        string
	From        string
}

type aliveFields struct {
	Incarnation uint32
	Node        string
	Addr        hexBytes
	Port        uint16
	Meta        hexBytes
	Vsn         hexBytes
}

type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

type nodeFields struct {
	Name        string
	Addr        hexBytes
	Port        uint16
	Meta        hexBytes
	Incarnation uint32
	State       int
	Vsn         hexBytes
}

type pushPullFields struct {
	Join      bool
	Nodes     []nodeFields
	UserState hexBytes
}

type userFields struct{ Payload hexBytes }

// opened is what a capture turned out to hold.
type opened struct {
	layers   []string
	messages []message
}

func (o *opened) wrapped(layer string) { o.layers = append(o.layers, layer) }

func (o *opened) add(kind string, fields any) {
	o.messages = append(o.messages, message{Type: kind, Fields: fields})
}

// path names the layers from the outside in, then the messages.
func (o *opened) path() string {
	kinds := make([]string, len(o.messages))
	for index, message := range o.messages {
		kinds[index] = message.Type
	}
	return strings.Join(append(o.layers, strings.Join(kinds, "+")), "/")
}

func openCapture(c *capture, l layers) (*opened, error) {
	o := &opened{}
	b := c.bytes
	rest, label, err := memberlist.RemoveLabelHeaderFromPacket(b)
	if err != nil {
		return nil, err
	}
	if label != "" {
		o.wrapped("label")
	}
	authenticated := []byte(l.Label)
	if len(l.Keys) > 0 {
		if c.stream {
			if len(rest) < 5 || rest[0] != encrypted {
				return nil, errors.New("stream is not encrypted")
			}
			authenticated = append(bytes.Clone(rest[:5]), authenticated...)
			rest = rest[5:]
		}
		o.wrapped(fmt.Sprintf("encrypted_v%d", rest[0]))
		if rest, err = decrypt(rest, l.Keys, authenticated); err != nil {
			return nil, err
		}
	}
	if c.stream {
		return o, o.stream(rest)
	}
	if len(rest) >= 5 && rest[0] == hasCrc {
		if crc32.ChecksumIEEE(rest[5:]) != binary.BigEndian.Uint32(rest[1:5]) {
			return nil, errors.New("bad checksum")
		}
		o.wrapped("crc")
		rest = rest[5:]
	}
	return o, o.packet(rest)
}

func decrypt(b []byte, keys []string, authenticated []byte) ([]byte, error) {
	for _, text := range keys {
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		plain, err := gcm.Open(nil, b[1:13], b[13:], authenticated)
		if err != nil {
			continue
		}
		if b[0] == 0 {
			plain = plain[:len(plain)-int(plain[len(plain)-1])]
		}
		return plain, nil
	}
	return nil, errors.New("no key decrypts it")
}

func decoder(b []byte) (*codec.Decoder, *bytes.Reader) {
	reader := bytes.NewReader(b)
	return codec.NewDecoder(reader, &codec.MsgpackHandle{}), reader
}

func (o *opened) unpack(b []byte) ([]byte, error) {
	var packed struct {
		Algo uint8
		Buf  []byte
	}
	d, _ := decoder(b)
	if err := d.Decode(&packed); err != nil {
		return nil, err
	}
	o.wrapped("compressed")
	return io.ReadAll(lzw.NewReader(bytes.NewReader(packed.Buf), lzw.LSB, 8))
}

func (o *opened) packet(b []byte) error {
	if len(b) == 0 {
		return errors.New("empty message")
	}
	switch kind, body := b[0], b[1:]; kind {
	case compressed:
		plain, err := o.unpack(body)
		if err != nil {
			return err
		}
		return o.packet(plain)
	case compound:
		o.wrapped("compound")
		count := int(body[0])
		at := 1 + 2*count
		for index := range count {
			length := int(binary.BigEndian.Uint16(body[1+2*index:]))
			if err := o.packet(body[at : at+length]); err != nil {
				return err
			}
			at += length
		}
		return nil
	case user:
		o.add("user", userFields{Payload: body})
		return nil
	default:
		return o.simple(kind, body)
	}
}

func (o *opened) stream(b []byte) error {
	if len(b) == 0 {
		return errors.New("empty message")
	}
	if b[0] == compressed {
		plain, err := o.unpack(b[1:])
		if err != nil {
			return err
		}
		b = plain
	}
	d, reader := decoder(b[1:])
	switch b[0] {
	case user:
		var header struct{ UserMsgLen int }
		if err := d.Decode(&header); err != nil {
			return err
		}
		payload := make([]byte, header.UserMsgLen)
		_, err := io.ReadFull(reader, payload)
		o.add("user", userFields{Payload: payload})
		return err
	case pushPull:
		var header pushPullHeader
		if err := d.Decode(&header); err != nil {
			return err
		}
		fields := pushPullFields{
			Join: header.Join, Nodes: make([]nodeFields, header.Nodes),
			UserState: make([]byte, header.UserStateLen),
		}
		for index := range fields.Nodes {
			if err := d.Decode(&fields.Nodes[index]); err != nil {
				return err
			}
		}
		_, err := io.ReadFull(reader, fields.UserState)
		o.add("pushPull", fields)
		return err
	default:
		return o.simple(b[0], b[1:])
	}
}

func (o *opened) simple(kind byte, body []byte) error {
	names := map[byte]string{
		ping: "ping", indirectPing: "indirectPing", ack: "ack", nack: "nack",
		suspect: "suspect", alive: "alive", dead: "dead", errorReply: "error",
	}
	var fields any
	switch kind {
	case ping:
		fields = &pingFields{}
	case indirectPing:
		fields = &indirectPingFields{}
	case ack:
		fields = &ackFields{}
	case nack:
		fields = &nackFields{}
	case suspect, dead:
		fields = &accusationFields{}
	case alive:
		fields = &aliveFields{}
	case errorReply:
		fields = &errorFields{}
	default:
		return fmt.Errorf("message type %d is not known", kind)
	}
	d, _ := decoder(body)
	if err := d.Decode(fields); err != nil {
		return err
	}
	o.add(names[kind], fields)
	return nil
}
