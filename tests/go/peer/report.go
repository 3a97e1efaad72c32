package main

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// report is one line of stdout: an event, or the reply to a command.
type report struct {
	Event       string            `json:"event,omitempty"`
	AtMs        int64             `json:"atMs,omitempty"`
	Name        string            `json:"name,omitempty"`
	Address     string            `json:"address,omitempty"`
	State       string            `json:"state,omitempty"`
	Incarnation uint32            `json:"incarnation,omitempty"`
	Meta        []byte            `json:"meta,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Payload     []byte            `json:"payload,omitempty"`
	ID          int               `json:"id,omitempty"`
	Count       int               `json:"count,omitempty"`
	Error       string            `json:"error,omitempty"`
	Members     []report          `json:"members,omitempty"`
}

func aboutMember(event string, member *memberlist.Node) report {
	return report{
		Event:       event,
		Name:        member.Name,
		Address:     member.Address(),
		Incarnation: stateOf(member).Incarnation,
		Meta:        member.Meta,
		Tags:        decodeTags(member.Meta),
	}
}

// reporter writes reports from many goroutines, one whole line each.
type reporter struct {
	lock   sync.Mutex
	output *json.Encoder
}

func newReporter(output io.Writer) *reporter { return &reporter{output: json.NewEncoder(output)} }

func (r *reporter) write(made report) {
	r.lock.Lock()
	defer r.lock.Unlock()
	made.AtMs = time.Now().UnixMilli()
	// A test that went away closed the pipe; the end of stdin says the same.
	_ = r.output.Encode(made)
}

// marked is how memberlist says that this very node declares another one failed; every other way
// to learn of a failure is by hearsay.
var marked = regexp.MustCompile(`Marking (\S+) as failed`)

// logWatcher turns memberlist's log lines into reports.
type logWatcher struct {
	reports *reporter
	name    string
}

func (w *logWatcher) Write(line []byte) (int, error) {
	if found := marked.FindSubmatch(line); found != nil {
		w.reports.write(report{Event: "declared", Name: string(found[1])})
	} else if !bytes.Contains(line, []byte("[DEBUG]")) {
		w.reports.write(report{Event: "log", Error: string(bytes.TrimSpace(line))})
	}
	return len(line), nil
}

type discard struct{}

func (discard) Write(line []byte) (int, error) { return len(line), nil }
