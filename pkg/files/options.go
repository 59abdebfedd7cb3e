// Package files reaches the object store that keeps the bytes of chat's files: any that speaks S3. A browser uploads and
// downloads a file with a URL that is signed here, so no byte of it passes through a function.
//
// A caller's input decides neither where a function connects nor the name of an object: the endpoint and the bucket are
// configuration, keys are random, and redirects are not followed.
package files

import (
	"context"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

// Options say where the object store is. Its zero value is none.
type Options struct {
	Endpoint        string // https, or http to loopback, without the bucket: the address is path style
	Region          string
	Bucket          string
	AccessKeyID     string
	SecretAccessKey string

	MaxBytes int64                                // how large a file may be
	Log      *slog.Logger                         // nil for slog.Default
	Observe  func(context.Context, time.Duration) // told how long the store was waited for; may be nil
}

var (
	regionForm     = regexp.MustCompile(`\A[A-Za-z0-9-]+\z`)
	bucketForm     = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]\z`)
	credentialForm = regexp.MustCompile(`\A[!-~]+\z`)
)

// IsSet tells whether any option is set that says where the store is.
func (o Options) IsSet() bool {
	return o.Endpoint+o.Region+o.Bucket+o.AccessKeyID+o.SecretAccessKey != ""
}

// Faults finds the options that are missing or cannot be used, each by the name of its field and without its value. If none
// is set there are none: then there is no store.
func (o Options) Faults() []chat.Field {
	if !o.IsSet() {
		return nil
	}
	var found []chat.Field
	for _, option := range []struct{ name, value, fault string }{
		{"Endpoint", o.Endpoint, faultOfEndpoint(o.Endpoint)},
		{"Region", o.Region, faultOf(o.Region, regionForm, "must be a region such as eu-central-1, or auto for Cloudflare R2")},
		{"Bucket", o.Bucket, faultOf(o.Bucket, bucketForm, "must be the bucket's name alone")},
		{"AccessKeyID", o.AccessKeyID, faultOf(o.AccessKeyID, credentialForm, "must not contain spaces or characters outside ASCII")},
		{"SecretAccessKey", o.SecretAccessKey, faultOf(o.SecretAccessKey, credentialForm, "must not contain spaces or characters outside ASCII")},
	} {
		if option.value == "" {
			option.fault = "is missing"
		}
		if option.fault != "" {
			found = append(found, chat.Field{Name: option.name, Message: option.fault})
		}
	}
	return found
}

func faultOf(value string, form *regexp.Regexp, fault string) string {
	if form.MatchString(value) {
		return ""
	}
	return fault
}

func faultOfEndpoint(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "must be a URL such as https://s3.eu-central-1.amazonaws.com"
	case u.User != nil:
		return "must not contain a user or a password: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY instead"
	case strings.ContainsAny(text, "?#"):
		return "must not contain a query or a fragment"
	default:
		return outgoing.Fault(u)
	}
}
