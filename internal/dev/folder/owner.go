package folder

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Owner returns the account that owns devinbox's folders and runs the programs in them, if that is not the user's own
// account. It is nil for every user except root: Postgres refuses to run as root, so for root it is the account
// "postgres", or "nobody" on a machine without that account.
// Errors: a machine that has neither.
func Owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, errors.New("Postgres does not run as root, and this machine has neither an account postgres nor nobody: run devinbox as another user")
	}
	uid, err := number(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := number(account.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uid, Gid: gid}, nil
}

// number reads the id of an account. macOS writes that of nobody as -2.
func number(s string) (uint32, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return uint32(n), err
}

// Give makes [Owner] the owner of a file, or of a folder and everything in it. It changes nothing if the user is not
// root, or if Owner owns path already.
func Give(path string) error {
	owner, err := Owner()
	if err != nil || owner == nil {
		return err
	}
	return give(path, owner)
}

func give(path string, owner *syscall.Credential) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Sys().(*syscall.Stat_t).Uid == owner.Uid {
		return nil
	}
	// The content comes first: if this is interrupted, path still has its old owner, and the next call does it all again.
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := give(filepath.Join(path, entry.Name()), owner); err != nil {
				return err
			}
		}
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}
