//go:build !linux

package faults

import "syscall"

// endsWithParent has a process end when this one is killed, where the system can be asked for that.
func endsWithParent() *syscall.SysProcAttr { return nil }
