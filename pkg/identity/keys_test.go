package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

const noKeys = "503 CHAT_JWKS_URL has given no keys"

// remote returns a Verifier of a host's keys with a clock and a log.
func remote(t testing.TB, url string) (*identity.Verifier, *clock, *log) {
	t.Helper()
	c, l := &clock{}, &log{}
	return verifier(t, identity.Options{JWKSURL: url, Now: c.Now, Log: logger(l)}), c, l
}

// rs signs a token with a kid that is valid for two days.
func rs(t testing.TB, kid string) *http.Request {
	t.Helper()
	payload := fmt.Sprintf(`{"sub":"42","exp":%d}`, noon.Add(48*time.Hour).Unix())
	return bearer(jws(t, `{"alg":"RS256","kid":`+quote(kid)+`}`, payload, keys().rsa))
}

func expect(t *testing.T, v *identity.Verifier, r *http.Request, want string) {
	t.Helper()
	if got := outcome(t, v, r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func (h *host) expectAsked(t *testing.T, want int64) {
	t.Helper()
	if got := h.asked.Load(); got != want {
		t.Errorf("the host was asked %d times, want %d", got, want)
	}
}

func TestKeysAreFetchedWhenFirstNeededAndThenKept(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	v, _, l := remote(t, h.URL)
	h.expectAsked(t, 0)
	for range 10 {
		expect(t, v, request(), nobody)
		expect(t, v, bearer("nonsense"), malformed)
		expect(t, v, bearer(jws(t, `{"alg":"none"}`, good(), secret)), wrongAlg)
	}
	h.expectAsked(t, 0)
	for range 10 {
		expect(t, v, rs(t, "r"), "client 42")
	}
	h.expectAsked(t, 1)
	if l.String() != "" {
		t.Errorf("a success is logged: %s", l)
	}
}

func TestConcurrentFirstRequestsFetchOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.Answer(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, jwk(keys().rsa, `"kid":"r"`))
	})
	v, _, _ := remote(t, h.URL)
	r := rs(t, "r")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { expect(t, v, r, "client 42") })
	}
	all.Wait()
	h.expectAsked(t, 1)
}

func TestAnUnknownKeyIsAskedForOnceAMinuteAtMost(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"old"`))
	v, c, _ := remote(t, h.URL)
	expect(t, v, rs(t, "old"), "client 42")
	h.expectAsked(t, 1)
	for i := range 100 {
		expect(t, v, rs(t, fmt.Sprint("unknown", i)), noKey)
	}
	h.expectAsked(t, 1) // it has just been asked

	c.Advance(59 * time.Second)
	h.Publish(jwk(keys().rsa, `"kid":"new"`), jwk(keys().rsa, `"kid":"old"`))
	expect(t, v, rs(t, "new"), noKey)
	h.expectAsked(t, 1)
	c.Advance(time.Second)
	expect(t, v, rs(t, "new"), "client 42")
	expect(t, v, rs(t, "old"), "client 42")
	h.expectAsked(t, 2)

	// An unknown kid does not delay a known one, and is not asked for more often, whatever it is.
	var all sync.WaitGroup
	c.Advance(time.Minute)
	for i := range 50 {
		r := rs(t, fmt.Sprint("unknown", i))
		all.Go(func() { expect(t, v, r, noKey) })
	}
	all.Wait()
	h.expectAsked(t, 3)
}

func TestAKeyThatWasWithdrawnIsGoodForTenMinutes(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	v, c, _ := remote(t, h.URL)
	expect(t, v, rs(t, "r"), "client 42")
	h.Publish()
	c.Advance(10*time.Minute - time.Second)
	expect(t, v, rs(t, "r"), "client 42")
	h.expectAsked(t, 1)
	c.Advance(time.Second)
	for range 10 {
		expect(t, v, rs(t, "r"), noKey)
	}
	h.expectAsked(t, 2)
}

func TestAHostThatIsDownIsOutlivedForADay(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	v, c, l := remote(t, h.URL)
	expect(t, v, rs(t, "r"), "client 42")
	h.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	c.Advance(12 * time.Hour)
	for range 10 {
		expect(t, v, rs(t, "r"), "client 42")
		expect(t, v, rs(t, "unknown"), noKey)
	}
	h.expectAsked(t, 2)
	c.Advance(12*time.Hour - time.Second)
	expect(t, v, rs(t, "r"), "client 42")
	h.expectAsked(t, 3)
	c.Advance(time.Second)
	expect(t, v, rs(t, "r"), noKeys) // the keys are too old now, and the host has just failed
	h.expectAsked(t, 3)
	c.Advance(5 * time.Second)
	expect(t, v, rs(t, "r"), noKeys)
	h.expectAsked(t, 4)
	h.Publish(jwk(keys().rsa, `"kid":"r"`))
	c.Advance(5 * time.Second)
	expect(t, v, rs(t, "r"), "client 42")
	h.expectAsked(t, 5)
	if text := l.String(); !strings.Contains(text, "the host answers with status 502") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log says %s", text)
	}
}

// If the clock is set back, the host must still be asked before the clock has caught up.
func TestAClockThatIsSetBackKeepsNothingForLonger(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"old"`))
	v, c, _ := remote(t, h.URL)
	expect(t, v, rs(t, "old"), "client 42")
	h.Publish(jwk(keys().rsa, `"kid":"new"`))
	c.Advance(-time.Hour)
	expect(t, v, rs(t, "new"), "client 42")
	h.expectAsked(t, 2)
}

// A cold instance cannot check a token that may be valid: 503 and not 401, until the host answers.
func TestAHostThatGivesNoKeysIsUnavailable(t *testing.T) {
	t.Parallel()
	set := fmt.Sprintf(`{"keys":[%s]}`, jwk(keys().rsa, `"kid":"r"`))
	target := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		logged string
	}{
		"an error":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); fmt.Fprint(w, set) }, "status 500"},
		"not found":       {http.NotFound, "status 404"},
		"another success": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); fmt.Fprint(w, set) }, "status 206"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
		}, "status 307"},
		"too much":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set+strings.Repeat(" ", 64<<10)) }, "more than 64 KiB"},
		"no JSON":         {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "not give a JSON Web Key Set"},
		"no key set":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, jwk(keys().rsa, "")) }, "not give a JSON Web Key Set"},
		"a list":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }, "not give a JSON Web Key Set"},
		"nothing":         {func(http.ResponseWriter, *http.Request) {}, "not give a JSON Web Key Set"},
		"a broken answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "the host does not answer"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			fmt.Fprint(w, set)
		}, "the host does not answer"},
	} {
		h := newHost(t)
		h.Answer(test.answer)
		v, c, l := remote(t, h.URL)
		expect(t, v, rs(t, "r"), noKeys)
		c.Advance(5 * time.Second)
		expect(t, v, rs(t, "r"), noKeys)
		h.expectAsked(t, 2) // there are no older keys, so it is soon tried again
		if text := l.String(); !strings.Contains(text, test.logged) || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s: the log says %s", name, text)
		}
		h.Publish(jwk(keys().rsa, `"kid":"r"`))
		c.Advance(5 * time.Second)
		expect(t, v, rs(t, "r"), "client 42")
	}
	target.expectAsked(t, 0)
}

// Nobody needs a key to make such tokens.
func TestForgedTokensDoNotAskAHostThatFailsAgainAndAgain(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	v, c, l := remote(t, h.URL)
	for round := range int64(3) {
		var all sync.WaitGroup
		for i := range 50 {
			r := rs(t, fmt.Sprint("forged", i))
			all.Go(func() { expect(t, v, r, noKeys) })
		}
		all.Wait()
		for range 50 {
			expect(t, v, rs(t, "forged"), noKeys)
		}
		h.expectAsked(t, round+1)
		if n := strings.Count(l.String(), "status 502"); int64(n) != round+1 {
			t.Errorf("the log tells of %d failures", n)
		}
		c.Advance(5*time.Second - 1)
		expect(t, v, rs(t, "forged"), noKeys)
		h.expectAsked(t, round+1)
		c.Advance(1)
	}
	// A clock that is set back does not make an outage longer.
	c.Advance(-time.Hour)
	h.Publish(jwk(keys().rsa, `"kid":"r"`))
	expect(t, v, rs(t, "r"), "client 42")
	h.expectAsked(t, 4)
}

func TestWhoCannotBeCheckedIsToldWhenTheHostIsAskedAgain(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.Close()
	v, _, _ := remote(t, h.URL)
	var e *chat.Error
	if _, err := v.Verify(t.Context(), v.Find(rs(t, "r"))); !errors.As(err, &e) || e.RetryAfter != 5*time.Second {
		t.Errorf("%v", err)
	}
}

func TestAHostThatDoesNotAnswerCostsTwoSecondsOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	slow := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}
	h.Answer(slow)
	v, c, l := remote(t, h.URL)
	begun := time.Now()
	var all sync.WaitGroup
	for range 20 {
		r := rs(t, "r")
		all.Go(func() { expect(t, v, r, noKeys) })
	}
	all.Wait()
	if took := time.Since(begun); took < 1900*time.Millisecond || took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
	h.expectAsked(t, 1) // the others share the first one's result
	if !strings.Contains(l.String(), "does not answer in time") {
		t.Errorf("the log says %s", l)
	}

	h.Publish(jwk(keys().rsa, `"kid":"r"`))
	c.Advance(5 * time.Second)
	expect(t, v, rs(t, "r"), "client 42")
	h.Answer(func(w http.ResponseWriter, r *http.Request) { // it starts to answer and stops
		w.(http.Flusher).Flush()
		slow(w, r)
	})
	c.Advance(time.Hour)
	r := rs(t, "r")
	for range 100 {
		expect(t, v, r, "client 42")
	}
	h.expectAsked(t, 3) // while there are keys, one caller waits and the next ones do not
}

func TestAHostThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	v, _, l := remote(t, h.URL)
	h.Close()
	expect(t, v, rs(t, "r"), noKeys)
	if text := l.String(); !strings.Contains(text, "the host does not answer") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log says %s", text)
	}
}

func TestAKeySetWithoutAKeyOfOursIsAnAnswer(t *testing.T) {
	t.Parallel()
	h := newHost(t) // like a provider that signs only with a secret
	v, _, _ := remote(t, h.URL)
	for range 10 {
		expect(t, v, rs(t, "r"), noKey)
	}
	h.expectAsked(t, 1)
}

// If one caller gives up, the others that wait must still get the answer.
func TestACallerWhoLeavesDoesNotSpoilTheFetch(t *testing.T) {
	t.Parallel()
	h := newHost(t, jwk(keys().rsa, `"kid":"r"`))
	v, _, _ := remote(t, h.URL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, v.Find(rs(t, "r"))); err != nil {
		t.Error(err)
	}
	expect(t, v, rs(t, "r"), "client 42")
	h.expectAsked(t, 1)
}
