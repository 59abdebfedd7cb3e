package folder

import (
	"os"
	"syscall"
)

// InMemory is a large file system in memory, if this machine has one and TMPDIR does not say otherwise; else it is "",
// which stands for the usual folder of temporary files. It is for tests that make many files: a database has hundreds,
// and writing them to a disk takes more of a processor than what most tests do with them.
func InMemory() string {
	const folder, enough = "/dev/shm", 4 << 30
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); os.Getenv("TMPDIR") != "" || err != nil || system.Bavail*uint64(system.Bsize) < enough {
		return ""
	}
	return folder
}
