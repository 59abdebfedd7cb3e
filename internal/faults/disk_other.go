//go:build !linux

package faults

import "devinbox/internal/testing/stage"

// disk is a file system of its own that can be full, which only Linux has here.
type disk struct{}

func newDisk(stage.T) *disk { return nil }

func (*disk) tablespace() string { return "" }

func (*disk) fill() int64 { return 0 }

func (*disk) empty() {}
