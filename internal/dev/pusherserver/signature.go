package pusherserver

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxClockSkew is how far the timestamp of a request may be from the server's clock.
const maxClockSkew = 600 * time.Second

// unknownKey is what Pusher says of a key that none of its cluster's apps has.
const unknownKey = "Unknown auth_key"

// sign is Pusher's signature of a text: the HMAC-SHA256, in hexadecimal.
func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// same compares two texts in constant time, so that the time does not tell where they differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// verifyAuth checks the auth (key:signature) that a client has from the app's own endpoint, for a text.
// https://pusher.com/docs/channels/library_auth_reference/auth-signatures/
func (s *Server) verifyAuth(auth, text string) error {
	key, signature, found := strings.Cut(auth, ":")
	switch {
	case auth == "":
		return errors.New("Auth info required")
	case !found:
		return errors.New("Auth value is invalid: should be of format 'key:signature'")
	case !same(key, s.options.Key):
		return errors.New("Invalid key in auth value")
	case !same(signature, sign(s.options.Secret, text)):
		return fmt.Errorf("Invalid signature: Expected HMAC SHA256 hex digest of %s, but got %s", text, signature)
	}
	return nil
}

// authenticate checks the signature of a request to the HTTP API.
// https://pusher.com/docs/channels/library_auth_reference/rest-api/#authentication
func (s *Server) authenticate(r *http.Request, query map[string]string, body []byte, now time.Time) error {
	unix, err := strconv.ParseInt(query["auth_timestamp"], 10, 64)
	digest := md5.Sum(body)
	text := signedText(r.Method, r.URL.Path, query)
	switch {
	case !same(query["auth_key"], s.options.Key):
		return errors.New(unknownKey)
	case query["auth_version"] != "1.0":
		return errors.New("Unknown auth_version: should be 1.0")
	case err != nil:
		return errors.New("Invalid auth_timestamp: should be Unix time in seconds")
	case now.Sub(time.Unix(unix, 0)).Abs() > maxClockSkew:
		return fmt.Errorf("Timestamp expired: Given timestamp (%s) not within %.0fs of server time (%s)",
			time.Unix(unix, 0).UTC().Format(time.RFC3339), maxClockSkew.Seconds(), now.UTC().Format(time.RFC3339))
	case (len(body) > 0 || query["body_md5"] != "") && !same(query["body_md5"], hex.EncodeToString(digest[:])):
		return errors.New("Invalid body_md5: should be the MD5 hex digest of the body")
	case !same(query["auth_signature"], sign(s.options.Secret, text)):
		return fmt.Errorf("Invalid signature: you should have sent HmacSHA256Hex(%q, your_secret_key), but you sent %q", text, query["auth_signature"])
	}
	return nil
}

// signedText returns the text that a request's signature is for: the method, the path and the other parameters sorted
// by name, all unescaped.
func signedText(method, path string, query map[string]string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(query)) {
		if key != "auth_signature" {
			pairs = append(pairs, key+"="+query[key])
		}
	}
	return method + "\n" + path + "\n" + strings.Join(pairs, "&")
}

// parseQuery reads the parameters of a request. Pusher's libraries do not escape them, so a semicolon is an ordinary
// character here, and so is a plus. Names of channels may have a semicolon, which is an error for net/url.
func parseQuery(raw string) (map[string]string, error) {
	query := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key = strings.ToLower(key)
		if _, doubled := query[key]; doubled {
			return nil, errors.New("A parameter is there twice")
		}
		if unescaped, err := url.PathUnescape(value); err == nil {
			value = unescaped
		}
		query[key] = value
	}
	return query, nil
}
