package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

const (
	// fetchTimeout limits one request for the keys, since a caller waits for it.
	fetchTimeout = 2 * time.Second
	// connsMax is more than one, because a connection whose dialling goes on after its request was given up counts too.
	connsMax = 10
	// maxKeysBytes is how large a key set may be.
	maxKeysBytes = 64 << 10
	// keysFresh is how long keys are used without asking again. Without it, an instance would trust a withdrawn key
	// as long as it lives.
	keysFresh = 10 * time.Minute
	// refetchEvery is the shortest time between two requests to the host while there are keys, whatever tokens come.
	refetchEvery = time.Minute
	// retryEvery is the shortest time while there are none. An outage of the host is noticed to be over soon, and the host
	// is asked no more often however many tokens come.
	retryEvery = 5 * time.Second
	// keysLifetime is how long keys are used while the host gives no new ones.
	keysLifetime = 24 * time.Hour
	// minRSABits is the minimum length of a key of RS256 (RFC 7518, section 3.3).
	minRSABits = 2048
)

// errNoKeys is the error while the host of the keys has not answered: the caller's token may be valid.
var errNoKeys = &chat.Error{
	Kind:       chat.Unavailable,
	Detail:     "The keys that credentials are checked with cannot be had now. Try again.",
	RetryAfter: retryEvery,
}

// remoteKeys are the keys that a host publishes as a JSON Web Key Set (RFC 7517, section 5). The first request whose
// token needs one fetches them: between requests nothing runs.
type remoteKeys struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	asking sync.Mutex // held by the one request that asks the host
	held   atomic.Pointer[keySet]
}

// keySet is the result of asking the host. It is immutable.
type keySet struct {
	keys  []publicKey
	given time.Time // when the host returned the keys; zero if it never did
	asked time.Time // when it was last asked
}

// publicKey is one key and its only algorithm.
type publicKey struct {
	id        string
	algorithm jose.SignatureAlgorithm
	key       any
}

func newRemoteKeys(o Options) *remoteKeys {
	k := &remoteKeys{url: o.JWKSURL, log: o.Log, now: o.Now}
	k.held.Store(&keySet{})
	scheme, _, _ := strings.Cut(o.JWKSURL, ":")
	// A connection would be closed before it is needed again. The keys that a redirect leads to are not the configured ones.
	k.client = outgoing.NewClient(scheme, connsMax, -1)
	return k
}

// find returns the keys that may have signed a token: those of its kid or, if it has none, the only one for its
// algorithm. Errors: errNoKey; Unavailable if the host has not returned any keys.
func (k *remoteKeys) find(ctx context.Context, algorithm jose.SignatureAlgorithm, id string) ([]any, error) {
	held := k.held.Load()
	found := held.find(algorithm, id)
	if len(found) == 0 || !within(keysFresh, held.given, k.now()) {
		held = k.ask(ctx, held)
		found = held.find(algorithm, id)
	}
	if !within(keysLifetime, held.given, k.now()) {
		return nil, errNoKeys.Because(errors.New("identity: CHAT_JWKS_URL has given no keys"))
	}
	if len(found) == 0 {
		return nil, errNoKey
	}
	return found, nil
}

// ask asks the host for its keys, unless another request did after seen, or the last one was too short a time ago.
func (k *remoteKeys) ask(ctx context.Context, seen *keySet) *keySet {
	k.asking.Lock()
	defer k.asking.Unlock()
	if held := k.held.Load(); held != seen {
		return held
	}
	now := k.now()
	every := retryEvery
	if within(keysLifetime, seen.given, now) {
		every = refetchEvery
	}
	if within(every, seen.asked, now) {
		return seen // the last failure holds as the last keys do
	}
	next := &keySet{keys: seen.keys, given: seen.given, asked: now}
	keys, err := k.fetch(ctx)
	if err != nil {
		k.log.WarnContext(ctx, "the keys of CHAT_JWKS_URL cannot be had now; those that it gave before are used for 24 hours", "error", err.Error())
	} else {
		next.keys, next.given = keys, now
	}
	k.held.Store(next)
	return next
}

// fetch makes one request to the host. The result is for other callers too, so it is not cancelled with the request of
// the caller that makes it. Its errors do not name the host.
func (k *remoteKeys) fetch(ctx context.Context) ([]publicKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, errors.New("the URL cannot be used")
	}
	request.Header.Set("Accept", "application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return nil, silence(ctx)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the host answers with status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeysBytes+1))
	if err != nil {
		return nil, silence(ctx)
	}
	if len(body) > maxKeysBytes {
		return nil, errors.New("the host gives more than 64 KiB")
	}
	return readKeySet(body)
}

// silence returns the error for a host that did not answer: a timeout, or another failure.
func silence(ctx context.Context) error {
	if ctx.Err() != nil {
		return errors.New("the host does not answer in time")
	}
	return errors.New("the host does not answer")
}

// readKeySet reads a key set. It leaves out keys that cannot be used, as RFC 7517, section 5, says: a key that is
// secret, shorter than minRSABits or longer than go-jose accepts (4096), meant for encryption, of an algorithm
// that is not ours, or not understood.
func readKeySet(body []byte) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, errors.New("the host does not give a JSON Web Key Set")
	}
	var keys []publicKey
	for _, member := range set.Keys {
		if key, ok := readKey(member); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func readKey(member []byte) (publicKey, bool) {
	// Only these members. Without d and k, no secret can be read. Without x5c, a certificate that Go refuses to
	// parse cannot make a valid key unusable.
	var public struct {
		Kty string `json:"kty"`
		Kid string `json:"kid,omitempty"`
		Use string `json:"use,omitempty"`
		Alg string `json:"alg,omitempty"`
		Crv string `json:"crv,omitempty"`
		N   string `json:"n,omitempty"`
		E   string `json:"e,omitempty"`
		X   string `json:"x,omitempty"`
		Y   string `json:"y,omitempty"`
	}
	if err := json.Unmarshal(member, &public); err != nil {
		return publicKey{}, false
	}
	again, err := json.Marshal(public)
	var key jose.JSONWebKey
	if err != nil || key.UnmarshalJSON(again) != nil || public.Use != "" && public.Use != "sig" {
		return publicKey{}, false
	}
	algorithm := algorithmOf(key.Key)
	return publicKey{public.Kid, algorithm, key.Key}, algorithm != "" && (public.Alg == "" || public.Alg == string(algorithm))
}

// algorithmOf returns the algorithm that a key can be used with; empty if there is none.
func algorithmOf(key any) jose.SignatureAlgorithm {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSABits {
			return jose.RS256
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return jose.ES256
		}
	case ed25519.PublicKey:
		return jose.EdDSA
	}
	return ""
}

func (s *keySet) find(algorithm jose.SignatureAlgorithm, id string) []any {
	var found []any
	for _, key := range s.keys {
		if key.algorithm == algorithm && (id == "" || key.id == id) {
			found = append(found, key.key)
		}
	}
	if id == "" && len(found) > 1 {
		return nil
	}
	return found
}

// within tells whether less than d has passed since a time. It is false for a time in the future, which exists
// if the clock was set back: otherwise it could stay true for too long.
func within(d time.Duration, since, now time.Time) bool {
	passed := now.Sub(since)
	return passed >= 0 && passed < d
}
