package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// interfaceRequest is struct ifreq of linux/if.h as TUNSETIFF reads it.
type interfaceRequest struct {
	name  [16]byte
	flags uint16
	_     [22]byte
}

const (
	tunSetInterface = 0x400454ca // TUNSETIFF
	flagTun         = 0x0001     // IFF_TUN: whole IP packets
	flagNoHeader    = 0x1000     // IFF_NO_PI: and nothing before them
)

// openTun attaches to the TUN device of that name in this process's network namespace.
func openTun(name string) (*os.File, error) {
	file, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request := interfaceRequest{flags: flagTun | flagNoHeader}
	copy(request.name[:15], name)
	_, _, failure := syscall.Syscall(
		syscall.SYS_IOCTL, uintptr(file), tunSetInterface, uintptr(unsafe.Pointer(&request)))
	if failure != 0 {
		return nil, fmt.Errorf("TUN device %s: %w", name, failure)
	}
	// Non-blocking, so that os.File reads it through Go's poller and writes do not wait for reads.
	return os.NewFile(uintptr(file), name), nil
}
