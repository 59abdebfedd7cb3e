package identity_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// These tests make their tokens by hand, with only the standard library: so go-jose and this package are checked
// against the specifications and not against themselves.

const (
	secret     = "0123456789abcdef0123456789abcdef"
	authSecret = "a secret of Auth.js"
	newSecret  = "another of Auth.js"
	plain      = "authjs.session-token"
	secure     = "__Secure-authjs.session-token"
)

// noon is the time in tests that do not move the clock.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time          { return noon.Add(time.Duration(c.offset.Load())) }
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// log is a log that a test reads.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// verifier makes a Verifier at noon.
func verifier(t testing.TB, o identity.Options) *identity.Verifier {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	v, err := identity.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// request is a request with headers, given as NAME, VALUE, NAME, VALUE.
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:3000/api/session", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func bearer(token string) *http.Request { return request("Authorization", "Bearer "+token) }

// outcome returns the result of a request in short: the role and id of its identity, or the status and the cause.
func outcome(t testing.TB, v *identity.Verifier, r *http.Request) string {
	t.Helper()
	me, err := v.Verify(t.Context(), v.Find(r))
	if err == nil {
		return string(me.Role) + " " + me.ID
	}
	if me != (chat.Identity{}) {
		t.Errorf("an identity beside an error: %+v", me)
	}
	var e *chat.Error
	if !errors.As(err, &e) || errors.Unwrap(err) == nil {
		t.Errorf("not an error for a caller with a cause for the log: %v", err)
		return ""
	}
	cause := strings.TrimPrefix(errors.Unwrap(err).Error(), "identity: ")
	switch e.Kind {
	case chat.Unauthorized:
		if e.Detail != "This needs a valid credential: a bearer token or a session." {
			t.Errorf("a caller is told why: %s", e.Detail)
		}
		return "401 " + cause
	case chat.Unavailable:
		return "503 " + cause
	default:
		t.Errorf("an unexpected kind: %v", err)
		return ""
	}
}

// encode encodes a part of a token.
func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// keyring is one key of each kind.
type keyring struct {
	rsa   *rsa.PrivateKey
	ec    *ecdsa.PrivateKey
	ed    ed25519.PrivateKey
	short *rsa.PrivateKey
}

// keys are made once, since that is slow.
var keys = sync.OnceValue(func() keyring {
	var k keyring
	var err [4]error
	k.rsa, err[0] = rsa.GenerateKey(rand.Reader, 2048)
	k.ec, err[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, err[2] = ed25519.GenerateKey(rand.Reader)
	k.short, err[3] = rsa.GenerateKey(rand.Reader, 1024)
	if err := errors.Join(err[:]...); err != nil {
		panic(err)
	}
	return k
})

// jwk writes the public part of a key as JSON for a key set, after these other members.
func jwk(key any, members string) string {
	number := func(n *big.Int, size int) string { return encode(n.FillBytes(make([]byte, size))) }
	if members != "" {
		members += ","
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf(`{%s"kty":"RSA","n":"%s","e":"AQAB"}`, members, encode(key.N.Bytes()))
	case *ecdsa.PrivateKey:
		size := (key.Params().BitSize + 7) / 8
		return fmt.Sprintf(`{%s"kty":"EC","crv":"%s","x":"%s","y":"%s"}`, members, key.Params().Name, number(key.X, size), number(key.Y, size))
	case ed25519.PrivateKey:
		return fmt.Sprintf(`{%s"kty":"OKP","crv":"Ed25519","x":"%s"}`, members, encode(key.Public().(ed25519.PublicKey)))
	default:
		panic("no such key")
	}
}

// jws signs a token. The algorithm is that of the key, whatever the header says.
func jws(t testing.TB, header, payload string, key any) string {
	t.Helper()
	text := encode([]byte(header)) + "." + encode([]byte(payload))
	digest := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	switch key := key.(type) {
	case string:
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		r, s, failed := ecdsa.Sign(rand.Reader, key, digest[:])
		if err = failed; err == nil {
			size := (key.Params().BitSize + 7) / 8
			signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// hs signs a payload with the secret.
func hs(t testing.TB, payload string) string {
	t.Helper()
	return jws(t, hs256, payload, secret)
}

// good returns the payload of a valid token, with these members added.
func good(members ...string) string {
	return object(append([]string{`"sub":"42"`, fmt.Sprintf(`"exp":%d`, noon.Unix()+3600)}, members...)...)
}

func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

// sessionKey derives a key as Auth.js does, for any size.
func sessionKey(t testing.TB, secret, name string, size int) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(name), "Auth.js Generated Encryption Key ("+name+")", size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// thumbprint is the kid that Auth.js gives to a key.
func thumbprint(key []byte) string {
	digest := sha512.Sum512([]byte(`{"k":"` + encode(key) + `","kty":"oct"}`))
	return encode(digest[:])
}

// sealed holds the five parts of an encrypted token.
type sealed [5][]byte

func (s sealed) String() string {
	parts := make([]string, len(s))
	for i, part := range s {
		parts[i] = encode(part)
	}
	return strings.Join(parts, ".")
}

// jwe encrypts a token with A256CBC-HS512 (RFC 7518, section 5.2.5).
func jwe(t testing.TB, header string, payload, key []byte) sealed {
	t.Helper()
	padding := aes.BlockSize - len(payload)%aes.BlockSize
	return seal(t, header, append(bytes.Clone(payload), bytes.Repeat([]byte{byte(padding)}, padding)...), key)
}

// seal is jwe for a payload that is padded already.
func seal(t testing.TB, header string, padded, key []byte) sealed {
	t.Helper()
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(padded) // the same vector for the same payload, so that fuzzers recognise a valid token
	s := sealed{[]byte(header), nil, digest[:aes.BlockSize], bytes.Clone(padded), nil}
	cipher.NewCBCEncrypter(block, s[2]).CryptBlocks(s[3], s[3])
	aad := encode(s[0])
	mac := hmac.New(sha512.New, key[:32])
	for _, part := range [][]byte{[]byte(aad), s[2], s[3], binary.BigEndian.AppendUint64(nil, uint64(len(aad))*8)} {
		mac.Write(part)
	}
	s[4] = mac.Sum(nil)[:32]
	return s
}

// session makes the value of a session cookie of Auth.js.
func session(t testing.TB, secret, name, payload string) string {
	t.Helper()
	key := sessionKey(t, secret, name, 64)
	return jwe(t, `{"alg":"dir","enc":"A256CBC-HS512","kid":"`+thumbprint(key)+`"}`, []byte(payload), key).String()
}

// host is a server that publishes a key set and counts the requests.
type host struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

// newHost publishes the members of a key set.
func newHost(t testing.TB, members ...string) *host {
	t.Helper()
	h := &host{}
	h.Publish(members...)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		(*h.answer.Load())(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

// Publish changes the members of the key set.
func (h *host) Publish(members ...string) {
	h.Answer(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(members, ","))
	})
}

// Answer changes the answer.
func (h *host) Answer(f http.HandlerFunc) { h.answer.Store(&f) }

// allKeys publishes the three good keys as r, e and d.
func allKeys(t testing.TB) *host {
	t.Helper()
	k := keys()
	return newHost(t, jwk(k.rsa, `"kid":"r"`), jwk(k.ec, `"kid":"e"`), jwk(k.ed, `"kid":"d"`))
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func logger(l *log) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
