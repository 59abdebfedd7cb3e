package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"devinbox/internal/dev/folder"
	"devinbox/internal/testing/stage"
)

// disk is a file system of its own that can be full.
type disk struct {
	t    stage.T
	path string
}

// unmount removes a file system when its input ends, which comes when this process ends, for whatever reason.
const unmount = `read -r _; umount -l "$1"; rmdir "$1"`

// newDisk mounts a file system that lives as long as t. It is nil if this account may not.
func newDisk(t stage.T) *disk {
	path, err := os.MkdirTemp("", "devinbox-disk-")
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{t, path}
	if syscall.Mount("tmpfs", path, "tmpfs", 0, "size=1g,mode=755") != nil {
		os.Remove(path)
		return nil
	}
	guard := exec.Command("/bin/sh", "-c", unmount, "sh", path)
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to this process's group must not end it
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		syscall.Unmount(path, syscall.MNT_DETACH)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pipe.Close()
		guard.Wait()
	})
	return d
}

// tablespace is an empty folder of the disk that belongs to Postgres's account.
func (d *disk) tablespace() string {
	path := filepath.Join(d.path, "tables")
	if err := os.Mkdir(path, 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := folder.Give(path); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// fill leaves no space. It tells how much is used, in bytes.
func (d *disk) fill() int64 {
	var of syscall.Statfs_t
	if err := syscall.Statfs(d.path, &of); err != nil {
		d.t.Fatal(err)
	}
	used := int64(of.Blocks-of.Bfree) * of.Bsize
	d.resize(fmt.Sprint(used))
	return used
}

// empty gives the space back.
func (d *disk) empty() { d.resize("1g") }

func (d *disk) resize(size string) {
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
		d.t.Errorf("resize the disk: %v", err)
	}
}
