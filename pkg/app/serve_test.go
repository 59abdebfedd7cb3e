package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/config"
	"devinbox/pkg/web"
)

// says is a handler that always gives the same answer.
func says(answer web.Answer, err error) Handler {
	return func(context.Context, *App, chat.Identity) (web.Answer, error) { return answer, err }
}

func TestAPanicIsAnErrorWhoseStackIsForTheLogOnly(t *testing.T) {
	t.Parallel()
	for name, boom := range map[string]func(){
		"a text":            func() { panic("canary of a panic") },
		"an error":          func() { panic(errors.New("canary of a panic")) },
		"a defect":          func() { var none *chat.Message; none.Body = "canary" },
		"an aborted answer": func() { panic(http.ErrAbortHandler) },
		"nil":               func() { panic(nil) },
	} {
		w := newWorld(t)
		answer := w.serve(request("GET"), Routes{"GET": Anybody(func(context.Context, *App, chat.Identity) (web.Answer, error) {
			boom()
			return web.NoContent(), nil
		})})
		if answer.Code != 500 || code(t, answer) != "internal" || answer.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
		for _, inside := range []string{"canary", "goroutine", ".go", "panic", "runtime"} {
			if strings.Contains(answer.Body.String(), inside) {
				t.Errorf("%s: the caller is told of %q: %s", name, inside, answer.Body)
			}
		}
		for _, inside := range []string{"level=ERROR", "status=500", "panic: ", "serve_test.go:", "requestId=" + answer.Header().Get("X-Request-Id")} {
			if !strings.Contains(w.log.String(), inside) {
				t.Errorf("%s: the log lacks %q: %s", name, inside, w.log)
			}
		}
	}
}

func TestWhatCannotBeSaidIsADefect(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]Handler{
		"an error of nobody's kind":        says(web.Answer{}, errors.New("canary")),
		"an answer that cannot be encoded": says(web.JSON(200, func() {}).With("Set-Cookie", "canary=1"), nil),
	} {
		w := newWorld(t)
		answer := w.serve(request("GET"), Routes{"GET": Anybody(h)})
		if answer.Code != 500 || code(t, answer) != "internal" || strings.Contains(answer.Body.String(), "canary") || answer.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s %v", name, answer.Code, answer.Body, answer.Header())
		}
		if strings.Count(w.log.String(), "status=500") != 1 {
			t.Errorf("%s: the log says %s", name, w.log)
		}
	}
}

func TestACallIsTheBodyToAMethodAndItsResultToTheCaller(t *testing.T) {
	t.Parallel()
	type asked struct {
		Text *string `json:"text"`
	}
	type told struct {
		Text string `json:"text"`
		By   string `json:"by"`
	}
	for _, test := range []struct {
		name, body string
		err        error // of the method
		calls      int
		status     int
		says       string
	}{
		{"what it gives", `{"text":"Hello"}`, nil, 1, 200, `{"text":"Hello","by":"42"}`},
		{"what it refuses", `{"text":"Hello"}`, chat.ErrNotYours, 1, 403, `"code":"forbidden"`},
		{"what it does not understand", `{"test":"Hello"}`, nil, 0, 400, `"field":"test"`},
		{"what is not JSON", `Hello`, nil, 0, 400, `"code":"invalid_request"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			calls := 0
			r := httptest.NewRequest("POST", "/api/x", strings.NewReader(test.body))
			r.Header.Set("Authorization", "Bearer "+w.token(grace, time.Hour))
			r.Header.Set("Content-Type", "application/json")
			answer := w.serve(r, Routes{"POST": Known(Call(r, func(s *chat.Service, _ context.Context, me chat.Identity, in asked) (told, error) {
				calls++
				if s != w.Chat {
					t.Error("it is another's chat")
				}
				return told{*in.Text, me.ID}, test.err
			}))})
			if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.says) || calls != test.calls {
				t.Errorf("%d %s after %d calls", answer.Code, answer.Body, calls)
			}
		})
	}
}

func TestARequestHasADeadlineAndTheCronALaterOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bearer := "Authorization: Bearer " + w.token(grace, time.Hour)
	for name, test := range map[string]struct {
		route  func(Handler) Route
		header string
		want   time.Duration
	}{
		"known":   {Known, bearer, 5 * time.Second},
		"visitor": {Visitor, "", 5 * time.Second},
		"anybody": {Anybody, "", 5 * time.Second},
		"cron":    {Cron, "Authorization: Bearer " + cronSecret, 50 * time.Second},
	} {
		begun := time.Now()
		answer := w.serve(request("GET", test.header), Routes{"GET": test.route(func(ctx context.Context, _ *App, _ chat.Identity) (web.Answer, error) {
			deadline, has := ctx.Deadline()
			if budget := deadline.Sub(begun); !has || budget < test.want || budget > test.want+time.Second {
				t.Errorf("%s: its budget is %v, want %v", name, budget, test.want)
			}
			return web.NoContent(), nil
		})})
		if answer.Code != 204 {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

func TestAHandlerThatWaitsIsToldWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		answer := w.serve(request("GET"), Routes{"GET": Anybody(func(ctx context.Context, _ *App, _ chat.Identity) (web.Answer, error) {
			<-ctx.Done()
			return web.Answer{}, chat.Fail(chat.Unavailable, "It took too long.").Because(ctx.Err())
		})})
		if took := time.Since(begun); answer.Code != 503 || took != requestBudget {
			t.Errorf("%d after %v", answer.Code, took)
		}
	})
}

// What is saved must be announced, whoever still listens to the answer.
func TestABrowserThatLeavesCancelsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type key struct{}
	leaving, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "a value"))
	r := request("POST").WithContext(leaving)
	w.serve(r, Routes{"POST": Anybody(func(ctx context.Context, _ *App, _ chat.Identity) (web.Answer, error) {
		leave()
		if r.Context().Err() == nil || ctx.Err() != nil {
			t.Errorf("the request is %v, and the handler told %v", r.Context().Err(), ctx.Err())
		}
		if ctx.Value(key{}) != "a value" {
			t.Error("what the context held is lost")
		}
		return web.NoContent(), nil
	})})
	if !strings.Contains(w.log.String(), "status=204") {
		t.Errorf("the log says %s", w.log)
	}

	// A real one, which closes its connection while it is served.
	gone, checked := make(chan struct{}), make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		ServeRoutes(answer, r.WithContext(NewContext(r.Context(), w.App)), Routes{"GET": Anybody(func(ctx context.Context, _ *App, _ chat.Identity) (web.Answer, error) {
			close(gone)
			<-r.Context().Done()
			checked <- ctx.Err()
			return web.NoContent(), nil
		})})
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-gone; cancel() }()
	asked, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(asked); err == nil {
		answer.Body.Close()
		t.Error("it did not leave")
	}
	if err := <-checked; err != nil {
		t.Errorf("the handler is told %v", err)
	}
}

func TestOneProcessHoldsSeveralApps(t *testing.T) {
	t.Parallel()
	ours, theirs := newWorld(t), newWorld(t, "CHAT_JWT_SECRET="+strings.Repeat("another secret ", 3))
	who := Routes{"GET": Known(func(_ context.Context, a *App, me chat.Identity) (web.Answer, error) {
		return web.JSON(200, a.Session(me)), nil
	})}
	bearer := "Authorization: Bearer " + ours.token(grace, time.Hour)
	if answer := ours.serve(request("GET", bearer), who); answer.Code != 200 || !strings.Contains(answer.Body.String(), `"id":"42"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if answer := theirs.serve(request("GET", bearer), who); answer.Code != 401 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if strings.Contains(ours.log.String(), "status=401") || strings.Contains(theirs.log.String(), "status=200") {
		t.Errorf("one logs for the other: %s\n%s", ours.log, theirs.log)
	}
}

// It sets variables of this process, so it runs alone.
func TestARequestWithoutAnAppIsServedByThatOfTheProcess(t *testing.T) {
	config.Load(func(name string) string {
		t.Setenv(name, "")
		return ""
	})
	var served []*App
	for range 2 {
		answer := httptest.NewRecorder()
		ServeRoutes(answer, request("GET"), Routes{"GET": Anybody(func(_ context.Context, a *App, _ chat.Identity) (web.Answer, error) {
			served = append(served, a)
			return web.NoContent(), nil
		})})
		if answer.Code != 204 {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	}
	if len(served) != 2 || served[0] == nil || served[0] != served[1] {
		t.Errorf("they were served by %v", served)
	}
}

func TestARequestLeavesOneRecordWithoutWhatItHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(ada, time.Hour)
	r := request("GET", "Authorization: Bearer "+token, "Cookie: a=canary", "X-Vercel-Id: fra1::abc")
	r.URL.RawQuery = "q=canary"
	w.serve(r, Routes{"GET": Known(says(web.NoContent(), nil))})
	log := w.log.String()
	for _, part := range []string{"method=GET", "path=/api/x", "status=204", "role=developer", "id=ada", "requestId=fra1::abc", "level=INFO"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %q: %s", part, log)
		}
	}
	if strings.Count(log, "\n") != 1 || strings.Contains(log, "canary") || strings.Contains(log, token) {
		t.Errorf("the log says %s", log)
	}
}

func TestARecordHoldsNoEmailOfWhoMadeARequestOrWhatItAskedFor(t *testing.T) {
	t.Parallel()
	for _, role := range []chat.Role{chat.Client, chat.Developer} {
		w := newWorld(t, "CHAT_ID_CLAIM=email")
		r := request("GET", "Authorization: Bearer "+w.token(chat.Identity{ID: "grace@example.com", Role: role}, time.Hour))
		r.URL.Path = "/api/grace@example.com"
		w.serve(r, Routes{"GET": Known(says(web.NoContent(), nil))})
		// printf %s grace@example.com | sha256sum | cut -c1-16
		if log := w.log.String(); !strings.Contains(log, `id="sha256=b533d4547eaa5a0f"`) || !strings.Contains(log, `path="sha256=`) || strings.Contains(log, "grace") {
			t.Errorf("the log says %s", log)
		}
	}
}

func TestAMethodThatIsNotServedAdmitsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	routes := Routes{"GET": Known(says(web.NoContent(), nil)), "DELETE": Known(says(web.NoContent(), nil))}
	for method, want := range map[string]int{"POST": 405, "HEAD": 405, "OPTIONS": 204, "GET": 401, "DELETE": 401} {
		answer := w.serve(request(method), routes)
		if answer.Code != want {
			t.Errorf("%s: %d, want %d", method, answer.Code, want)
		}
		if allow := answer.Header().Get("Allow"); want != 401 && allow != "DELETE, GET, OPTIONS" {
			t.Errorf("%s: Allow is %q", method, allow)
		}
	}
}
