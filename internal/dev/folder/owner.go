package folder

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Owner returns the account that devinbox's folders belong to and that programs in them run as, where that is not the
// user's own. It is nil for every user but root, whom Postgres refuses to run as: for root it is the account
// "postgres", or "nobody" on a machine that has no such account.
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

// number reads an account's number, which macOS writes as -2 for nobody.
func number(s string) (uint32, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return uint32(n), err
}

// Give makes a file, or a folder and all that is in it, [Owner]'s. It changes nothing where the user is not root, and
// nothing where path is Owner's already.
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
	// What is inside comes first: where this is cut short, path is not yet owner's and the next call begins anew.
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
