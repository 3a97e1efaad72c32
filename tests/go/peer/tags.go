package main

import (
	"bytes"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// tagMagicByte opens a node meta that holds Serf's tags (serf.go, encodeTags).
const tagMagicByte = 255

func encodeTags(tags map[string]string) ([]byte, error) {
	made := bytes.NewBuffer([]byte{tagMagicByte})
	err := codec.NewEncoder(made, &codec.MsgpackHandle{}).Encode(tags)
	return made.Bytes(), err
}

// decodeTags is nil for a meta in any other form.
func decodeTags(meta []byte) map[string]string {
	if len(meta) == 0 || meta[0] != tagMagicByte {
		return nil
	}
	tags := map[string]string{}
	if codec.NewDecoderBytes(meta[1:], &codec.MsgpackHandle{}).Decode(&tags) != nil {
		return nil
	}
	return tags
}
