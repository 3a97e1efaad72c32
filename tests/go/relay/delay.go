package main

import (
	"container/heap"
	"log"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxHeld bounds the packets that are held back; past it they are lost, as in any router.
const maxHeld = 100_000

// held is a packet and when it goes on.
type held struct {
	due    time.Time
	packet []byte
}

// delayLine holds packets back. Each has its own delay, so jitter reorders them.
type delayLine struct {
	device *os.File
	wake   chan struct{}

	lock    sync.Mutex
	packets schedule
}

// receive reads packets off the device for ever.
func (d *delayLine) receive(current *atomic.Pointer[faults]) {
	buffer := make([]byte, 65536)
	for {
		length, err := d.device.Read(buffer)
		if err != nil {
			log.Fatalln("relay: read:", err)
		}
		faults := current.Load()
		packet := append([]byte{}, buffer[:length]...)
		d.hold(packet, faults)
		if rand.Float64()*100 < faults.DuplicatePercent {
			d.hold(packet, faults)
		}
	}
}

func (d *delayLine) hold(packet []byte, faults *faults) {
	delayMs := faults.DelayMs + (2*rand.Float64()-1)*faults.JitterMs
	due := time.Now().Add(time.Duration(max(0, delayMs) * float64(time.Millisecond)))
	d.lock.Lock()
	defer d.lock.Unlock()
	if len(d.packets) == maxHeld {
		return
	}
	heap.Push(&d.packets, held{due, packet})
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// deliver hands each packet on when its time has come, for ever.
func (d *delayLine) deliver() {
	timer := time.NewTimer(time.Hour)
	for {
		packet, wait := d.next()
		if packet != nil {
			// The kernel refuses what it cannot route; on a real wire such a packet is lost as well.
			_, _ = d.device.Write(packet)
			continue
		}
		timer.Reset(wait)
		select {
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// next is the packet that is due, or how long to wait for one.
func (d *delayLine) next() ([]byte, time.Duration) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if len(d.packets) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(d.packets[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&d.packets).(held).packet, 0
}

// schedule implements heap.Interface, the soonest first.
type schedule []held

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].due.Before(s[j].due) }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(item any)     { *s = append(*s, item.(held)) }
func (s *schedule) Pop() any {
	old := *s
	item := old[len(old)-1]
	*s = old[:len(old)-1]
	return item
}
