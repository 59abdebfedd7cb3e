package handler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"devinbox/internal/serve"
)

func TestEveryAnswerCarriesWhatBelongsToAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	for name, a := range map[string]answer{
		"201": grace.post("/api/messages/send", `{"body":"a"}`).is(201),
		"200": grace.get("/api/messages/list").is(200),
		"400": grace.get("/api/messages/list?limit=0").is(400),
		"401": w.nobody().get("/api/session").is(401),
		"403": grace.get("/api/conversations/list").is(403),
		"404": w.developer("ada").get("/api/messages/list?clientId=none").is(404),
		"405": grace.get("/api/messages/send").is(405),
		"204": grace.call("OPTIONS", "/api/messages/send", "", "").is(204),
	} {
		for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin"} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no X-Request-Id", name)
		}
		if a.status >= 400 && a.text("requestId") != a.header.Get("X-Request-Id") {
			t.Errorf("%s: the problem names %q and the header %q", name, a.text("requestId"), a.header.Get("X-Request-Id"))
		}
	}
	timing := grace.post("/api/messages/send", `{"body":"b"}`).is(201).header.Get("Server-Timing")
	if !strings.Contains(timing, "db;dur=") || !strings.Contains(timing, "pusher;dur=") {
		t.Errorf("Server-Timing of a send is %q", timing)
	}
	if timing := grace.get("/api/session").is(200).header.Get("Server-Timing"); timing != "" {
		t.Errorf("Server-Timing of a call that waits for nothing is %q", timing)
	}
}

func TestOnlyTheMethodsOfAFunctionAreAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path := range serve.Functions {
		allow := w.nobody().call("OPTIONS", path, "", "").is(204).header.Get("Allow")
		if !strings.HasSuffix(allow, ", OPTIONS") {
			t.Errorf("%s: Allow is %q", path, allow)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			a := w.nobody().call(method, path, "", "").is(405)
			if a.header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, a.header.Get("Allow"), allow)
			}
			if method != "HEAD" {
				a.fails(405, "method_not_allowed")
			}
		}
	}
}

func TestChecksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, nobody, ada := w.client("42"), w.nobody(), w.developer("ada")
	large := strings.Repeat("x", 129<<10)
	// Each request has the fault that its code tells, and every later one too.
	nobody.call("PUT", "/api/messages/send?x=1", "text/plain", large, "Origin: https://evil.com").fails(405, "method_not_allowed")
	nobody.call("POST", "/api/messages/send?x=1", "text/plain", large).fails(401, "unauthorized")
	grace.call("GET", "/api/conversations/list?x=1", "", "").fails(403, "forbidden")
	grace.call("POST", "/api/messages/send?x=1", "text/plain", large).fails(415, "unsupported_media_type")
	grace.call("POST", "/api/messages/send?x=1", "application/json", large).fails(413, "payload_too_large")
	grace.call("POST", "/api/messages/send?x=1", "application/json", `{"clientId":"43","body":""}`).fails(400, "invalid_request", "x")
	grace.post("/api/messages/send", `{"clientId":"43","body":"","x":1}`).fails(400, "invalid_request", "x")
	grace.post("/api/messages/send", `{"clientId":"43","body":""}`).fails(403, "forbidden")
	ada.post("/api/messages/send", `{"clientId":"43","body":""}`).fails(422, "validation_failed", "body")
	ada.post("/api/messages/send", `{"clientId":"43","body":"a"}`).fails(404, "not_found")
}

func TestABodyThatIsTooLargeAndAParameterThatIsUnknownAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	large := strings.Repeat("x", 129<<10)
	for _, c := range []struct{ method, path string }{
		{"POST", "/api/messages/send"}, {"POST", "/api/messages/read"}, {"PATCH", "/api/messages/edit"}, {"DELETE", "/api/messages/edit"},
		{"POST", "/api/conversations/update"}, {"POST", "/api/pusher/auth"}, {"POST", "/api/session"},
		{"POST", "/api/attachments"},
	} {
		ada.call(c.method, c.path, "application/json", large).fails(413, "payload_too_large")
		ada.call(c.method, c.path+"?x=1", "application/json", "{}").fails(400, "invalid_request", "x")
	}
	for _, path := range []string{"/api/messages/list", "/api/conversations/list", "/api/session", "/api/health", "/api/attachments"} {
		ada.get(path+"?x=1").fails(400, "invalid_request", "x")
	}
	w.nobody().call("GET", "/api/cron/deliver?x=1", "", "", "Authorization: Bearer "+cronSecret).fails(400, "invalid_request", "x")
}

func TestAMessageThatBreaksARuleIsRefusedWithEveryFieldNamedAndNothingStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	ada.post("/api/messages/send", `{"body":" \n\t ","clientMessageId":"é"}`).fails(422, "validation_failed").
		has("errors.0.field", "clientId", "errors.1.field", "body", "errors.2.field", "clientMessageId")
	grace := w.client("42")
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"no body":                       {`{}`, 422, "body"},
		"an empty body":                 {`{"body":""}`, 422, "body"},
		"white space":                   {`{"body":"\u2003\u00a0\n"}`, 422, "body"},
		"a NUL":                         {`{"body":"a\u0000b"}`, 422, "body"},
		"a control character":           {`{"body":"a\u0007b"}`, 422, "body"},
		"8,001 code points":             {`{"body":"` + strings.Repeat("é", 8001) + `"}`, 422, "body"},
		"an empty key":                  {`{"body":"a","clientMessageId":""}`, 422, "clientMessageId"},
		"a key of 65 characters":        {`{"body":"a","clientMessageId":"` + strings.Repeat("k", 65) + `"}`, 422, "clientMessageId"},
		"a key with a line break":       {`{"body":"a","clientMessageId":"a\nb"}`, 422, "clientMessageId"},
		"a sender of one's own choice":  {`{"body":"a","sender":"developer"}`, 400, "sender"},
		"a role of one's own choice":    {`{"body":"a","role":"developer"}`, 400, "role"},
		"a seq of one's own choice":     {`{"body":"a","seq":7}`, 400, "seq"},
		"a time of one's own choice":    {`{"body":"a","createdAt":"2020-01-01T00:00:00.000Z"}`, 400, "createdAt"},
		"an attachment":                 {`{"body":"a","url":"https://example.com"}`, 400, "url"},
		"a field of another case":       {`{"body":"a","clientid":"42"}`, 400, "clientid"},
		"a doubled field":               {`{"body":"a","body":"b"}`, 400, "body"},
		"a lone surrogate":              {`{"body":"\udc00"}`, 400, "body"},
		"a clientId that is a number":   {`{"body":"a","clientId":42}`, 400, "clientId"},
		"somebody else's conversation":  {`{"body":"a","clientId":"43"}`, 403, ""},
		"an empty conversation":         {`{"body":"a","clientId":""}`, 403, ""},
		"a create that is not a truth":  {`{"body":"a","create":"yes"}`, 400, "create"},
		"a socketId that is not a text": {`{"body":"a","socketId":1.2}`, 400, "socketId"},
	} {
		a := grace.post("/api/messages/send", "%s", rawJSON(c.body)).is(c.status)
		if a.text("errors.0.field") != c.field {
			t.Errorf("%s blames %q, want %q", name, a.text("errors.0.field"), c.field)
		}
	}
	if n := w.count("select count(*) from chat.conversation"); n != 0 {
		t.Errorf("%d conversations were made", n)
	}
}

// rawJSON goes into a body as it is.
type rawJSON string

// MarshalJSON gives the text itself.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestWhatIsAcceptedIsStoredNormalized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace := w.client("42")
	grace.post("/api/messages/send", `{"body":"\u2003\u0085\n  a\r\nb\t<b>\u00a0","clientMessageId":null,"clientId":"42","socketId":"nonsense","create":null}`).is(201).
		has("message.body", "  a\nb\t<b>", "message.clientMessageId", nil, "conversation.lastMessage.preview", "a b <b>")
	grace.post("/api/messages/send", `{"body":%s}`, strings.Repeat("é", 8000)).is(201).has("message.seq", 2)
}

func TestSendingTheSameKeyAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("42")
	first := grace.post("/api/messages/send", `{"body":"a","clientMessageId":"k"}`).is(201)
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Error("the first send says that it is a repetition")
	}
	again := grace.post("/api/messages/send", `{"body":" \na ","clientMessageId":"k"}`).is(200).has("message.id", first.text("message.id"), "message.seq", 1, "conversation.lastSeq", 1, "realtime", "delivered")
	if again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a repetition does not say so")
	}
	grace.post("/api/messages/send", `{"body":"b","clientMessageId":"k"}`).fails(409, "conflict", "clientMessageId")
	// A key is one sender's own: that of another person, also of one with the same id on the other side, is another key.
	ada.post("/api/messages/send", `{"clientId":"42","body":"c","clientMessageId":"k"}`).is(201).has("message.seq", 2)
	w.client("43").post("/api/messages/send", `{"body":"d","clientMessageId":"k"}`).is(201).has("message.seq", 1, "message.clientId", "43")
}

func TestAConversationBeginsWithItsClientOrWithADeveloperWhoAsksForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.get("/api/messages/list").is(200).has("conversation", nil, "hasMore", false, "messages.0", nil)
	ada.get("/api/messages/list?clientId=42").fails(404, "not_found")
	ada.post("/api/messages/send", `{"clientId":"42","body":"a"}`).fails(404, "not_found")
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).fails(404, "not_found")
	grace.post("/api/messages/read", `{"upToSeq":1}`).fails(404, "not_found")
	ada.post("/api/messages/send", `{"clientId":"42","body":"a","create":true}`).is(201).has(
		"message.seq", 1, "conversation.clientName", nil, "conversation.status", "open", "conversation.lastSeenAt", nil,
		"conversation.unread.client", 1, "conversation.unread.developer", 0,
		"conversation.online", nil, "conversation.assigneeId", nil,
	)
	grace.post("/api/messages/send", `{"body":"b"}`).is(201).has("message.seq", 2, "conversation.clientName", "Client 42")
}

func TestAReadMarkOnlyMovesForwardAndNoFurtherThanTheLastMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	for range 3 {
		grace.post("/api/messages/send", `{"body":"a"}`).is(201)
	}
	before := ada.get("/api/messages/list?clientId=42").number("conversation.version")
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":0}`).is(200).has("upToSeq", 0, "readAt", nil, "unread", 3, "conversation.version", before)
	moved := ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`).is(200).has("upToSeq", 2, "unread", 1, "conversation.read.developer", 2, "conversation.version", before+1)
	w.toPusher.Reset()
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":1}`).is(200).has("upToSeq", 2, "unread", 1, "readAt", moved.text("readAt"), "conversation.version", before+1)
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":2}`).is(200).has("upToSeq", 2, "readAt", moved.text("readAt"))
	if n := len(w.toPusher.Requests()); n != 0 {
		t.Errorf("a mark that does not move made %d requests to Pusher", n)
	}
	ada.post("/api/messages/read", `{"clientId":"42","upToSeq":4611686018427387904}`).is(200).has("upToSeq", 3, "unread", 0)
	for body, status := range map[string]int{
		`{"clientId":"42"}`: 422, `{"clientId":"42","upToSeq":null}`: 422, `{"clientId":"42","upToSeq":-1}`: 422,
		`{"clientId":"42","upToSeq":"1"}`: 400, `{"clientId":"42","upToSeq":1.5}`: 400, `{"clientId":"42","upToSeq":1e400}`: 400,
	} {
		if field := ada.post("/api/messages/read", "%s", rawJSON(body)).is(status).text("errors.0.field"); field != "upToSeq" {
			t.Errorf("%s blames %q", body, field)
		}
	}
	grace.post("/api/messages/read", `{"clientId":"43","upToSeq":1}`).fails(403, "forbidden")
}

func TestMessagesArePagedBackAndForthAndByVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=0")
	grace := w.client("42")
	for i := range 7 {
		grace.post("/api/messages/send", `{"body":%s}`, fmt.Sprint(i+1)).is(201)
	}
	for query, want := range map[string]struct {
		seqs string
		more bool
	}{
		"":                               {"1234567", false},
		"?limit=3":                       {"567", true},
		"?before=5&limit=3":              {"234", true},
		"?before=2&limit=3":              {"1", false},
		"?before=1":                      {"", false},
		"?after=5&limit=3":               {"67", false},
		"?after=0&limit=3":               {"123", true},
		"?after=7":                       {"", false},
		"?changedSince=0&limit=100":      {"1234567", false},
		"?changedSince=4&limit=2":        {"56", true},
		"?after=9223372036854775807":     {"", false},
		"?changedSince=7":                {"", false},
		"?clientId=42&limit=1":           {"7", true},
		"?x-vercel-set-bypass=1&limit=1": {"7", true},
	} {
		a := grace.get("/api/messages/list" + query).is(200)
		seqs := ""
		for i := 0; a.number(fmt.Sprintf("messages.%d.seq", i)) > 0; i++ {
			seqs += fmt.Sprint(a.number(fmt.Sprintf("messages.%d.seq", i)))
		}
		if seqs != want.seqs || a.value("hasMore") != want.more {
			t.Errorf("%q gives %q, more %v; want %q, more %v", query, seqs, a.value("hasMore"), want.seqs, want.more)
		}
	}
	for query, field := range map[string]string{
		"?limit=0": "limit", "?limit=101": "limit", "?limit=x": "limit", "?before=-1": "before", "?after=1&before=2": "after",
		"?after=1&changedSince=2": "changedSince", "?q=x": "q", "?after=1&after=1": "after",
	} {
		grace.get("/api/messages/list"+query).fails(400, "invalid_request", field)
	}
	grace.get("/api/messages/list?clientId=43").fails(403, "forbidden")
	w.developer("ada").get("/api/messages/list").fails(400, "invalid_request", "clientId")
}

func TestTheInboxIsForDevelopersAndPagedByACursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.developer("ada")
	for i := range 5 {
		w.client(fmt.Sprint("c", i)).post("/api/messages/send", `{"body":"a"}`).is(201)
	}
	ada.post("/api/messages/read", `{"clientId":"c3","upToSeq":1}`).is(200)
	w.client("c0").get("/api/conversations/list").fails(403, "forbidden")

	var order, cursor string
	for range 5 {
		page := ada.get("/api/conversations/list?limit=2"+cursor).is(200).has("totals.open", 5, "totals.unread", 4)
		for i := 0; page.value(fmt.Sprintf("conversations.%d", i)) != nil; i++ {
			order += page.text(fmt.Sprintf("conversations.%d.clientId", i))
		}
		if page.value("nextCursor") == nil {
			break
		}
		cursor = "&cursor=" + page.text("nextCursor")
	}
	if order != "c4c3c2c1c0" {
		t.Errorf("the inbox is %s", order)
	}
	for query, want := range map[string]int{"?unread=true": 4, "?unread=false": 5, "?status=closed": 0, "?status=all": 5, "?assigneeId=none": 5, "?assigneeId=ada": 0} {
		a := ada.get("/api/conversations/list" + query).is(200)
		n := 0
		for a.value(fmt.Sprintf("conversations.%d", n)) != nil {
			n++
		}
		if n != want {
			t.Errorf("%s gives %d, want %d", query, n, want)
		}
	}
	for query, field := range map[string]string{
		"?status=x": "status", "?unread=1": "unread", "?limit=0": "limit", "?cursor=x": "cursor", "?cursor=": "cursor", "?assigneeId=": "assigneeId", "?page=2": "page",
	} {
		ada.get("/api/conversations/list"+query).fails(400, "invalid_request", field)
	}
}

func TestAClientThatSendsTooFastIsToldWhenToGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=3/30s")
	grace, ada := w.client("42"), w.developer("ada")
	for i := range 3 {
		grace.post("/api/messages/send", `{"body":"a","clientMessageId":%s}`, fmt.Sprint(i)).is(201)
	}
	after := grace.post("/api/messages/send", `{"body":"a","clientMessageId":"3"}`).fails(429, "rate_limited").header.Get("Retry-After")
	if after != "10" && after != "9" {
		t.Errorf("Retry-After is %q", after)
	}
	grace.post("/api/messages/send", `{"body":"a","clientMessageId":"2"}`).is(200) // a repetition is free
	for range 5 {
		ada.post("/api/messages/send", `{"clientId":"42","body":"a"}`).is(201)
	}
}

func TestEditsAndMessagesComeOutOfOneBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_RATE_LIMIT=3/300s")
	grace, ada := w.client("42"), w.developer("ada")
	id := grace.post("/api/messages/send", `{"body":"a"}`).is(201).text("message.id")
	edit := func(body string) answer {
		return grace.patch("/api/messages/edit", `{"messageId":%s,"body":%s}`, id, body)
	}
	edit("b").is(200)
	edit("c").is(200)
	if after := edit("d").fails(429, "rate_limited").header.Get("Retry-After"); after != "100" && after != "99" {
		t.Errorf("Retry-After is %q", after)
	}
	grace.post("/api/messages/send", `{"body":"e"}`).fails(429, "rate_limited")
	edit("c").is(200).has("message.body", "c", "message.version", 3) // what changes nothing is free
	grace.remove("/api/messages/edit", `{"messageId":%s}`, id).is(200)
	theirs := ada.post("/api/messages/send", `{"clientId":"42","body":"a"}`).is(201).text("message.id")
	for _, body := range []string{"b", "c", "d", "e"} {
		ada.patch("/api/messages/edit", `{"clientId":"42","messageId":%s,"body":%s}`, theirs, body).is(200)
	}
	if n := len(w.toPusher.Requests()); n != 9 {
		t.Errorf("%d requests to Pusher, want one for each call that changed something", n)
	}
}

func TestOtherOriginsMayCallWithABearerTokenWhereTheyAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "CHAT_ALLOWED_ORIGINS=https://app.example.com,https://*.example.org")
	preflight := w.nobody().call("OPTIONS", "/api/messages/send", "", "", "Origin: https://app.example.com", "Access-Control-Request-Method: POST").is(204)
	for header, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Allow-Methods": "POST",
		"Access-Control-Allow-Headers": "Authorization, Content-Type", "Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": "",
	} {
		if got := preflight.header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	allowed := w.client("42").call("GET", "/api/session", "", "", "Origin: https://a.example.org").is(200)
	if allowed.header.Get("Access-Control-Allow-Origin") != "https://a.example.org" || !strings.Contains(allowed.header.Get("Access-Control-Expose-Headers"), "Idempotent-Replayed") {
		t.Errorf("%v", allowed.header)
	}
	refused := w.nobody().call("OPTIONS", "/api/messages/send", "", "", "Origin: https://evil.com", "Access-Control-Request-Method: POST").is(204)
	if refused.header.Get("Access-Control-Allow-Origin") != "" || refused.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%v", refused.header)
	}
	unreadable := w.nobody().call("GET", "/api/session", "", "", "Origin: https://app.example.com").is(401)
	if unreadable.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("a page of an allowed origin cannot read why it was refused")
	}
}

func TestTheCronNeedsItsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "bearer " + cronSecret, "Basic " + cronSecret, "Bearer " + cronSecret + "x"} {
		w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: "+header).fails(401, "unauthorized")
	}
	w.developer("ada").get("/api/cron/deliver").fails(401, "unauthorized")
	w.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: Bearer "+cronSecret).is(200).has("delivered", 0, "failed", 0, "pending", 0)

	unset := newWorld(t, "CRON_SECRET=")
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer " + cronSecret} {
		unset.nobody().call("GET", "/api/cron/deliver", "", "", "Authorization: "+header).fails(401, "unauthorized")
	}
}

func TestAFileThatIsNoFunctionIsNotServedUnderApi(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/api", "/api/", "/api/nothing", "/api/messages", "/api/platform_test", "/api/Messages/send", "/go.mod", "/pkg/chat/doc.go"} {
		w.nobody().call(http.MethodGet, path, "", "").is(404)
	}
}
