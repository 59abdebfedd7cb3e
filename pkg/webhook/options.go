// Package webhook sends chat's webhooks to the team's own receiver, in the form of Standard Webhooks
// (https://www.standardwebhooks.com): signed, over https or to this machine, and without following redirects.
package webhook

import (
	"encoding/base64"
	"log/slog"
	"net/url"
	"strings"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

// Options say who receives webhooks.
type Options struct {
	URL    string // https, or http to loopback; empty if nobody does
	Secret string // whsec_ and 24 to 64 bytes in base64; two with a space between while one replaces the other
	Log    *slog.Logger
}

const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
	maxSecrets     = 2
)

// Faults finds the options that are missing or cannot be used, each by the name of its field and without its value.
// Without a URL there are none.
func (o Options) Faults() []chat.Field {
	if o.URL == "" {
		return nil
	}
	var found []chat.Field
	if fault := faultOfURL(o.URL); fault != "" {
		found = append(found, chat.Field{Name: "URL", Message: fault})
	}
	if _, fault := parseSecrets(o.Secret); fault != "" {
		found = append(found, chat.Field{Name: "Secret", Message: fault})
	}
	return found
}

func faultOfURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "must be a URL such as https://example.com/api/webhooks"
	case u.User != nil:
		return "must not contain a user or a password: the receiver checks the signature instead"
	case strings.Contains(text, "#"):
		return "must not contain a fragment"
	default:
		return outgoing.Fault(u)
	}
}

// parseSecrets reads one secret, or two.
func parseSecrets(text string) (secrets [][]byte, fault string) {
	for one := range strings.FieldsSeq(text) {
		encoded, ok := strings.CutPrefix(one, secretPrefix)
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(secret) < minSecretBytes || len(secret) > maxSecretBytes {
			return nil, "must be whsec_ and 24 to 64 bytes in base64, for example whsec_ and the output of openssl rand -base64 32"
		}
		secrets = append(secrets, secret)
	}
	switch {
	case len(secrets) == 0:
		return nil, "is missing"
	case len(secrets) > maxSecrets:
		return nil, "must contain one secret, or two while you replace one"
	default:
		return secrets, ""
	}
}
