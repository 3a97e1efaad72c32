package main

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/hashicorp/memberlist"
)

// memberState has the layout of memberlist v0.7.0's unexported nodeState. Its public API shows
// neither a member's incarnation nor whether it failed or left, which is what the tests compare.
type memberState struct {
	memberlist.Node
	Incarnation uint32
	State       memberlist.NodeStateType
	StateChange time.Time
}

// stateOf is the whole state of a member that an event delegate was handed: memberlist passes the
// address of the state's first field, under its lock.
func stateOf(member *memberlist.Node) *memberState {
	return (*memberState)(unsafe.Pointer(member))
}

// readMembers is every member that a node knows, the dead and the left ones included.
func readMembers(list *memberlist.Memberlist) []report {
	fields := reflect.ValueOf(list).Elem()
	lock := (*sync.RWMutex)(unsafe.Pointer(fields.FieldByName("nodeLock").UnsafeAddr()))
	nodes := fields.FieldByName("nodes")
	lock.RLock()
	defer lock.RUnlock()
	found := make([]report, 0, nodes.Len())
	for index := range nodes.Len() {
		state := (*memberState)(nodes.Index(index).UnsafePointer())
		made := aboutMember("", &state.Node)
		made.State = []string{"alive", "suspect", "failed", "left"}[state.State]
		found = append(found, made)
	}
	return found
}
