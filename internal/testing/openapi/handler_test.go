package openapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"devinbox/internal/testing/openapi"
)

// report is a testing.TB that only keeps what it is told.
type report struct {
	testing.TB
	faults []string
}

func (r *report) Errorf(format string, arguments ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, arguments...))
}

func (r *report) Helper() {}

// exchange is one request and a function's answer to it.
type exchange struct {
	method, target, contentType, request string

	status int
	header map[string]string // on top of those that every answer has; an empty value removes one
	body   string
}

// through sends an exchange through the document's handler, and returns what that reports and what the caller receives.
func (e exchange) through(t *testing.T, d *openapi.Document) (faults []string, received *httptest.ResponseRecorder) {
	t.Helper()
	told := &report{TB: t}
	handler := d.Handler(told, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if read, err := io.ReadAll(r.Body); err != nil || string(read) != e.request {
			t.Errorf("the function receives %q, %v", read, err)
		}
		header := map[string]string{
			"X-Request-Id": "r-1", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin",
			"Content-Type": "application/json",
		}
		if e.status >= 400 {
			header["Content-Type"] = "application/problem+json"
		}
		for name, value := range e.header {
			header[name] = value
		}
		for name, value := range header {
			if value != "" {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.body)
	}))
	r := httptest.NewRequest(e.method, e.target, strings.NewReader(e.request))
	if e.contentType != "" {
		r.Header.Set("Content-Type", e.contentType)
	}
	received = httptest.NewRecorder()
	handler.ServeHTTP(received, r)
	return told.faults, received
}

const (
	health     = `{"status":"ok","database":{"ok":true,"writable":true},"realtime":{"enabled":true},"queue":{"pending":0,"parked":0,"oldestSeconds":0}}`
	deliveries = `{"delivered":1,"failed":0,"pending":0}`
	authorized = `{"auth":"key:0123456789012345678901234567890123456789012345678901234567890123"}`
	readEvent  = `{"clientId":"42","side":"client","upToSeq":1,"readAt":null,"reader":{"id":"42","role":"client","name":null},"version":2}`
	page       = `{"messages":[],"hasMore":false,"conversation":null}`
)

// problem is the body of an error.
func problem(status int, code string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"T","status":%d,"detail":"D","code":%q,"requestId":"r-1"}`, status, code)
}

func TestWhatIsDocumentedPasses(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	for name, e := range map[string]exchange{
		"a success":           {method: "GET", target: "/api/health", status: 200, body: health},
		"a failure":           {method: "GET", target: "/api/health", status: 503, body: strings.Replace(health, "ok", "down", 1), header: map[string]string{"Content-Type": "application/json", "Retry-After": "2"}},
		"a problem":           {method: "GET", target: "/api/session", status: 401, body: problem(401, "unauthorized"), header: map[string]string{"WWW-Authenticate": "Bearer"}},
		"a bad request":       {method: "GET", target: "/api/health?x=1", status: 400, body: problem(400, "invalid_request")},
		"an optional header":  {method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"Server-Timing": "db;dur=0.5, pusher;dur=12"}},
		"a header of CORS":    {method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"Access-Control-Allow-Origin": "https://a.example"}},
		"parameters":          {method: "GET", target: "/api/messages/list?clientId=42&after=9223372036854775807&limit=1&x-vercel-a=1", status: 200, body: page},
		"a boolean parameter": {method: "GET", target: "/api/conversations/list?unread=true&assigneeId=none", status: 403, body: problem(403, "forbidden")},
		"a form":              {method: "POST", target: "/api/pusher/auth", contentType: "application/x-www-form-urlencoded", request: "socket_id=1.2&channel_name=private-a%40", status: 200, body: authorized},
		"a body":              {method: "POST", target: "/api/pusher/auth", contentType: "application/json; charset=utf-8", request: `{"socket_id":"1.2"}`, status: 200, body: authorized},
		"no content":          {method: "DELETE", target: "/api/session", status: 204, header: map[string]string{"Content-Type": "", "Set-Cookie": "devinbox_session=; Path=/; Max-Age=0"}},
		"a preflight":         {method: "OPTIONS", target: "/api/session", status: 204, header: map[string]string{"Content-Type": "", "Allow": "DELETE, GET, POST, OPTIONS"}},
		"a method of none":    {method: "PUT", target: "/api/session", status: 405, body: problem(405, "method_not_allowed"), header: map[string]string{"Allow": "DELETE, GET, POST, OPTIONS"}},
		"a path that is not":  {method: "GET", target: "/api/nothing", status: 418, header: map[string]string{"X-Anything": "1"}, body: "teapot"},
		"a file":              {method: "GET", target: "/", status: 200, body: "<!doctype html>"},
	} {
		faults, received := e.through(t, d)
		if len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		if received.Code != e.status || received.Body.String() != e.body {
			t.Errorf("%s: the caller receives %d %q", name, received.Code, received.Body)
		}
	}
}

func TestWhatIsNotDocumentedIsNoticed(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	for name, c := range map[string]struct {
		exchange
		want string
	}{
		"a missing field":            {exchange{method: "GET", target: "/api/cron/deliver", status: 200, body: `{"delivered":1,"failed":0}`}, "missing property 'pending'"},
		"an extra field":             {exchange{method: "GET", target: "/api/cron/deliver", status: 200, body: `{"delivered":1,"failed":0,"pending":0,"host":"db"}`}, "additional properties 'host' not allowed"},
		"an extra field further in":  {exchange{method: "GET", target: "/api/health", status: 200, body: strings.Replace(health, `"ok":true`, `"ok":true,"version":16`, 1)}, "additional properties 'version' not allowed"},
		"a wrong type":               {exchange{method: "GET", target: "/api/cron/deliver", status: 200, body: `{"delivered":"1","failed":0,"pending":0}`}, "at '/delivered'"},
		"a value out of range":       {exchange{method: "GET", target: "/api/health", status: 200, body: strings.Replace(health, `"pending":0`, `"pending":1001`, 1)}, "at '/queue/pending'"},
		"a word that is not listed":  {exchange{method: "GET", target: "/api/health", status: 200, body: strings.Replace(health, `"ok"`, `"fine"`, 1)}, "at '/status'"},
		"a null":                     {exchange{method: "GET", target: "/api/messages/list", status: 200, body: `{"messages":null,"hasMore":false,"conversation":null}`}, "at '/messages'"},
		"no JSON":                    {exchange{method: "GET", target: "/api/health", status: 200, body: `ok`}, "it is not JSON"},
		"a status":                   {exchange{method: "GET", target: "/api/health", status: 401, body: problem(401, "unauthorized")}, "the status is not documented"},
		"a content type":             {exchange{method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"Content-Type": "text/html"}}, `the content type "text/html"`},
		"a problem as plain JSON":    {exchange{method: "GET", target: "/api/session", status: 500, body: problem(500, "internal"), header: map[string]string{"Content-Type": "application/json"}}, `the content type "application/json"`},
		"a missing header":           {exchange{method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"X-Request-Id": ""}}, "the header X-Request-Id is missing"},
		"a missing header of errors": {exchange{method: "GET", target: "/api/session", status: 401, body: problem(401, "unauthorized")}, "the header WWW-Authenticate is missing"},
		"a header's value":           {exchange{method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"Cache-Control": "public"}}, "the header Cache-Control"},
		"a header that is no number": {exchange{method: "GET", target: "/api/health", status: 503, body: health, header: map[string]string{"Content-Type": "application/json", "Retry-After": "soon"}}, "the header Retry-After"},
		"another header":             {exchange{method: "GET", target: "/api/health", status: 200, body: health, header: map[string]string{"X-Powered-By": "Go"}}, "the header X-Powered-By is not documented"},
		"another code":               {exchange{method: "GET", target: "/api/session", status: 500, body: problem(500, "conflict")}, "the problem says 500 conflict"},
		"another status in it":       {exchange{method: "GET", target: "/api/session", status: 500, body: problem(501, "internal")}, "the problem says 501 internal"},
		"another request's id":       {exchange{method: "GET", target: "/api/session", status: 500, body: problem(500, "internal"), header: map[string]string{"X-Request-Id": "r-2"}}, "the problem's requestId"},
		"a body of nothing": {exchange{method: "DELETE", target: "/api/session", status: 204, body: "{}", header: map[string]string{"Set-Cookie": "devinbox_session=; Path=/"}},
			"it has a body"},
		"methods of a preflight":       {exchange{method: "OPTIONS", target: "/api/health", status: 204, header: map[string]string{"Content-Type": "", "Allow": "GET, POST, OPTIONS"}}, "the header Allow"},
		"the status of a preflight":    {exchange{method: "OPTIONS", target: "/api/health", status: 200, header: map[string]string{"Content-Type": "", "Allow": "GET, OPTIONS"}}, "the status is 200"},
		"a method":                     {exchange{method: "POST", target: "/api/health", status: 200, body: health}, "the status is 200, want 405"},
		"a parameter":                  {exchange{method: "GET", target: "/api/health?verbose=1", status: 200, body: health}, "the parameter verbose was accepted"},
		"a parameter's value":          {exchange{method: "GET", target: "/api/messages/list?limit=101", status: 200, body: page}, "the parameter limit was accepted"},
		"a parameter that is a number": {exchange{method: "GET", target: "/api/messages/list?limit=x", status: 200, body: page}, "the parameter limit was accepted"},
		"a request's field": {exchange{method: "POST", target: "/api/pusher/auth", contentType: "application/json", request: `{"socket_id":"1.2","x":"y"}`, status: 200, body: authorized},
			"the body of the request was accepted"},
		"a request's missing field": {exchange{method: "POST", target: "/api/pusher/auth", contentType: "application/x-www-form-urlencoded", request: `channel_name=a`, status: 200, body: authorized},
			"missing property 'socket_id'"},
		"a request's type": {exchange{method: "POST", target: "/api/pusher/auth", contentType: "text/plain", request: `{"socket_id":"1.2"}`, status: 200, body: authorized},
			`a body of the type "text/plain" was accepted`},
	} {
		faults, received := c.through(t, d)
		if len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), c.want) {
			t.Errorf("%s: %q does not tell %q", name, faults, c.want)
		}
		if received.Code != c.status {
			t.Errorf("%s: the caller receives %d", name, received.Code)
		}
	}
}

func TestAReportNamesTheRequestTheSchemaTheFieldAndTheValue(t *testing.T) {
	t.Parallel()
	faults, _ := exchange{method: "GET", target: "/api/cron/deliver?", status: 200, body: `{"delivered":-1,"failed":0,"pending":0}`}.through(t, openapi.Load(t))
	if len(faults) != 1 {
		t.Fatalf("%q", faults)
	}
	for _, part := range []string{"GET /api/cron/deliver answered 200", "components/schemas/Deliveries", "at '/delivered'", `"delivered":-1`} {
		if !strings.Contains(faults[0], part) {
			t.Errorf("%q does not tell %q", faults[0], part)
		}
	}
}

func TestADocumentKnowsWhichAnswersItHasNotSeen(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	all := d.Unseen()
	answer := openapi.Answer{Method: "GET", Path: "/api/health", Status: "200"}
	if !slices.Contains(all, answer) || len(all) < 100 {
		t.Fatalf("%d answers are documented: %v", len(all), all)
	}
	exchange{method: "GET", target: "/api/health", status: 200, body: health}.through(t, d)
	exchange{method: "GET", target: "/api/health", status: 418}.through(t, d)
	exchange{method: "OPTIONS", target: "/api/health", status: 204}.through(t, d)
	if left := d.Unseen(); slices.Contains(left, answer) || len(left) != len(all)-1 {
		t.Errorf("%d answers are left of %d", len(left), len(all))
	}
	if other := openapi.Load(t).Unseen(); len(other) != len(all) {
		t.Error("two documents share what they have seen")
	}
}

func TestTheDocumentIsComparedWithTheFunctions(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	allow := map[string]string{}
	for _, answer := range d.Unseen() {
		if !strings.Contains(", "+allow[answer.Path], ", "+answer.Method+", ") {
			allow[answer.Path] += answer.Method + ", "
		}
	}
	functions := func() map[string]http.HandlerFunc {
		functions := map[string]http.HandlerFunc{}
		for path, methods := range allow {
			functions[path] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Allow", methods+"OPTIONS")
				w.WriteHeader(http.StatusNoContent)
			}
		}
		return functions
	}
	check := func(functions map[string]http.HandlerFunc) []string {
		told := &report{TB: t}
		d.CheckFunctions(told, functions)
		return told.faults
	}
	if faults := check(functions()); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
	lacking := functions()
	delete(lacking, "/api/health")
	further := functions()
	further["/api/secret"] = further["/api/health"]
	other := functions()
	other["/api/session"] = other["/api/health"]
	for want, functions := range map[string]map[string]http.HandlerFunc{
		"/api/health is documented, and no function is there":                                                         lacking,
		"/api/secret is a function and not documented":                                                                further,
		`OPTIONS /api/session: the header Allow is "GET, OPTIONS", and the document has "DELETE, GET, POST, OPTIONS"`: other,
	} {
		if faults := check(functions); len(faults) != 1 || faults[0] != want {
			t.Errorf("%q, want %q", faults, want)
		}
	}
}

func TestEventsAreComparedWithTheDocument(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	message := `{"id":"01a207d9-217b-7c3e-9a51-2f6a8e0b4d13","clientId":"42","seq":1,"version":1,"sender":{"id":"42","role":"client","name":null},
		"body":"a","attachments":[],"clientMessageId":null,"createdAt":"2026-11-23T10:00:00.123Z","editedAt":null,"deletedAt":null}`
	for name, c := range map[string]struct {
		event, data string
		good        bool
	}{
		"a read mark":             {"messages-read", readEvent, true},
		"a message":               {"new-message", message, true},
		"a shortened message":     {"message-updated", strings.Replace(message, `"seq"`, `"truncated":true,"seq"`, 1), true},
		"shortened, but not":      {"new-message", strings.Replace(message, `"seq"`, `"truncated":false,"seq"`, 1), false},
		"a further field":         {"messages-read", strings.Replace(readEvent, `"side"`, `"email":"a@example.com","side"`, 1), false},
		"a time without its zone": {"new-message", strings.Replace(message, "123Z", "123", 1), false},
		"no UUID of version 7":    {"new-message", strings.Replace(message, "7c3e", "4c3e", 1), false},
		"another event's data":    {"conversation-updated", message, false},
		"no JSON":                 {"new-message", "", false},
		"an unknown event":        {"client-typing", "{}", false},
	} {
		told := &report{TB: t}
		d.CheckEvent(told, c.event, []byte(c.data))
		if good := len(told.faults) == 0; good != c.good {
			t.Errorf("%s: %q", name, told.faults)
		}
	}
}

func TestWebhooksAreComparedWithTheDocument(t *testing.T) {
	t.Parallel()
	d := openapi.Load(t)
	const head = `{"type":"message.created","timestamp":"2026-11-23T10:00:00.123Z","data":`
	message := `{"id":"01a207d9-217b-7c3e-9a51-2f6a8e0b4d13","clientId":"42","seq":1,"version":1,"sender":{"id":"42","role":"client","name":null},
		"body":"a","attachments":[],"clientMessageId":null,"createdAt":"2026-11-23T10:00:00.123Z","editedAt":null,"deletedAt":null}`
	for name, c := range map[string]struct {
		webhook, body string
		good          bool
	}{
		"a message":              {"message.created", head + message + "}", true},
		"under another name":     {"message.updated", head + message + "}", false},
		"a further field":        {"message.created", head + message + `,"id":1}`, false},
		"a further field inside": {"message.created", head + strings.Replace(message, `"seq"`, `"email":"a@example.com","seq"`, 1) + "}", false},
		"no data":                {"message.created", head + "null}", false},
		"no JSON":                {"message.created", "", false},
		"an unknown webhook":     {"message.sent", head + message + "}", false},
	} {
		told := &report{TB: t}
		d.CheckWebhook(told, c.webhook, []byte(c.body))
		if good := len(told.faults) == 0; good != c.good {
			t.Errorf("%s: %q", name, told.faults)
		}
	}
}
