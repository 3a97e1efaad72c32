// Vectors runs real hashicorp memberlist nodes without a network.
//
//	vectors make DIRECTORY   runs small clusters under every kind of envelope and writes what they
//	                         sent to one JSON file a kind
//	vectors node             runs one node whose network is its stdin and stdout, so that a test can
//	                         hand it packets and streams and see what it makes of them
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "make":
		return makeVectors(args[1])
	case len(args) == 1 && args[0] == "node":
		return runNode(os.Stdin, os.Stdout)
	default:
		return fmt.Errorf("usage: vectors make DIRECTORY | vectors node")
	}
}
