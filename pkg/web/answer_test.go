package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

func TestEveryKindOfFailureHasItsStatus(t *testing.T) {
	t.Parallel()
	for kind, status := range map[chat.Kind]int{
		web.MethodNotAllowed: 405, chat.Forbidden: 403, chat.Unauthorized: 401, web.UnsupportedMediaType: 415,
		web.PayloadTooLarge: 413, chat.Invalid: 400, chat.Unprocessable: 422, chat.NotFound: 404, chat.Conflict: 409,
		chat.RateLimited: 429, chat.Internal: 500, chat.Unavailable: 503,
	} {
		w := httptest.NewRecorder()
		if got := web.Problem(w, chat.Fail(kind, "A sentence."), "id-1"); got != status || w.Code != status {
			t.Errorf("%s: %d and %d, want %d", kind, got, w.Code, status)
		}
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{
			"type": "about:blank", "title": http.StatusText(status), "status": float64(status),
			"detail": "A sentence.", "code": string(kind), "requestId": "id-1",
		} {
			if body[name] != want {
				t.Errorf("%s: %s is %v, want %v", kind, name, body[name], want)
			}
		}
		if len(body) != 6 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v of type %s", kind, body, w.Header().Get("Content-Type"))
		}
	}
}

func TestAFailureOfOursSaysNothingOfTheInside(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("secret inside"),
		chat.Defect(errors.New("secret inside")),
		chat.Fail(chat.Unavailable, "Later.").Because(errors.New("secret inside")),
		chat.Fail("a kind that nobody knows", "secret inside"),
	} {
		w := httptest.NewRecorder()
		web.Problem(w, err, "id-1")
		if strings.Contains(w.Body.String(), "secret") {
			t.Error(w.Body.String())
		}
	}
}

func TestARefusalTellsWhatToDoNext(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	web.Problem(w, &chat.Error{Kind: chat.RateLimited, RetryAfter: 1100 * time.Millisecond}, "")
	if w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q: it must not be too early", w.Header().Get("Retry-After"))
	}
	w = httptest.NewRecorder()
	web.Problem(w, chat.Fail(chat.Unauthorized, ""), "")
	if w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Error("a 401 without WWW-Authenticate")
	}
}

func TestTextGoesOutAsItIs(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := web.Write(w, web.JSON(201, map[string]string{"body": "<b>&\u2028"}).With("X", "y")); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Body.String() != "{\"body\":\"<b>&\u2028\"}" || w.Header().Get("X") != "y" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}

func TestARequestLeavesOneRecordWithoutItsContents(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	r := httptest.NewRequest("POST", "/api/messages/send?token=canary", strings.NewReader("canary"))
	r.Header.Set("Authorization", "Bearer canary")
	r.Header.Set("X-Vercel-Id", "fra1::abc-1")
	w := httptest.NewRecorder()
	record, ctx := web.Begin(w, r)
	record.Identify(chat.Identity{ID: "42", Role: chat.Client, Name: "canary", Email: "canary"})
	web.Observe(ctx, "db", 2*time.Millisecond)
	web.Observe(ctx, "pusher", 30*time.Millisecond)
	web.Observe(ctx, "db", time.Millisecond)
	record.End(ctx, log, 503, chat.Fail(chat.Unavailable, "Later.").Because(errors.New("no answer in time")))

	if strings.Contains(out.String(), "canary") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("the log says %s", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"level": "ERROR", "method": "POST", "path": "/api/messages/send", "status": 503.0, "dbMs": 3.0, "pusherMs": 30.0,
		"role": "client", "id": "42", "code": "unavailable", "cause": "no answer in time", "requestId": "fra1::abc-1",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	for name, want := range map[string]string{
		"X-Request-Id": "fra1::abc-1", "Server-Timing": "db;dur=3, pusher;dur=30", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if w.Header().Get(name) != want {
			t.Errorf("%s is %q, want %q", name, w.Header().Get(name), want)
		}
	}
}

func TestTheCausesOfAllThatFailedAreLogged(t *testing.T) {
	t.Parallel()
	fail := func(cause string) error {
		return chat.Fail(chat.Unavailable, "Later.").Because(errors.New(cause))
	}
	for _, test := range []struct {
		name string
		err  error
		want any
	}{
		{"one", fail("no answer"), "no answer"},
		{"several", errors.Join(fail("no answer"), errors.Join(fail("a lock"), nil), errors.New("a defect")), "no answer; a lock; a defect"},
		{"the same", errors.Join(fail("no answer"), fail("no answer")), "no answer"},
		{"none", chat.Fail(chat.NotFound, "No."), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			record, ctx := web.Begin(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			record.End(ctx, slog.New(slog.NewJSONHandler(&out, nil)), 503, test.err)
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["cause"] != test.want {
				t.Errorf("%v %s, want %v", err, out.String(), test.want)
			}
		})
	}
}

func TestARequestIDThatIsNotVercelsIsMade(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"", "a b", "<script>", strings.Repeat("a", 129), "a\nb"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Vercel-Id"] = []string{given}
		record, _ := web.Begin(httptest.NewRecorder(), r)
		if id := record.RequestID(); id == given || len(id) != 36 {
			t.Errorf("%q became %q", given, id)
		}
	}
}
