package objectstore

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"regexp"
)

// Options say what [Start] starts. Dir has no default.
type Options struct {
	// Dir is the folder of the objects and of the key pair. It is created if it is missing; its parent must exist.
	// Several servers, of several processes too, may serve one folder at the same time.
	Dir string

	// Address is where to listen. Defaults to 127.0.0.1:0, a free port that only this machine reaches.
	Address string

	// Bucket is the name of the one bucket, which is always there. Defaults to devinbox.
	Bucket string
	// Region is the region that signatures must name. Defaults to us-east-1.
	Region string
	// AccessKeyID and SecretAccessKey are the one key pair. Without them, a pair is made for Dir and kept there.
	AccessKeyID     string
	SecretAccessKey string

	// Hosts are names whose pages may use the store, beside those of loopback, which may do so from any port.
	Hosts []string

	// Recorder keeps the requests. Without one, nothing is kept.
	Recorder *Recorder

	// Log receives failures, never a secret or a signature. Defaults to nothing.
	Log *slog.Logger
}

// bucketName is a name that every store takes.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// complete checks the options and fills in the defaults, except for the key pair.
func (o Options) complete() (Options, error) {
	switch {
	case os.Getenv("VERCEL_ENV") == "production":
		return o, errors.New("objectstore: not in production")
	case o.Dir == "":
		return o, errors.New("objectstore: Dir is needed")
	case o.Bucket != "" && !bucketName.MatchString(o.Bucket):
		return o, errors.New("objectstore: Bucket is no name for a bucket")
	case (o.AccessKeyID == "") != (o.SecretAccessKey == ""):
		return o, errors.New("objectstore: AccessKeyID and SecretAccessKey are needed both, or neither")
	}
	o.Address = cmp.Or(o.Address, "127.0.0.1:0")
	o.Bucket = cmp.Or(o.Bucket, "devinbox")
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o, nil
}
