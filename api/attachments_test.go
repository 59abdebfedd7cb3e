package handler_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"devinbox/internal/archive"
	"devinbox/internal/dev/objectstore"
	"devinbox/internal/testing/objectstores"
	"devinbox/internal/testing/webhooks"
	"devinbox/pkg/chat"
)

// filesWorld is a deployment with an object store, whose requests are recorded.
type filesWorld struct {
	*world
	store objectstores.Store
	asked *objectstore.Recorder
}

func newFilesWorld(t *testing.T, settings ...string) *filesWorld {
	t.Helper()
	recorder := &objectstore.Recorder{}
	return newFilesWorldOn(t, objectstores.Embedded(t, recorder), recorder, settings...)
}

func newFilesWorldOn(t *testing.T, store objectstores.Store, recorder *objectstore.Recorder, settings ...string) *filesWorld {
	t.Helper()
	for name, value := range store.Environment() {
		settings = append(settings, name+"="+value)
	}
	return &filesWorld{newWorld(t, settings...), store, recorder}
}

// begins begins a text file, in the conversation of a client if a developer does.
func (p person) begins(body string, clientID ...string) answer {
	p.t.Helper()
	id := (*string)(nil)
	if len(clientID) > 0 {
		id = &clientID[0]
	}
	return p.post("/api/attachments", `{"clientId":%v,"fileName":"notes.txt","mediaType":"text/plain","size":%v}`, id, len(body)).is(201)
}

// puts does with an answer to a beginning what a browser does.
func (a answer) puts(body string) int {
	a.t.Helper()
	r, err := http.NewRequest(a.text("upload.method"), a.text("upload.url"), strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for name, value := range a.value("upload.headers").(map[string]any) {
		r.Header.Set(name, value.(string))
	}
	put, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	put.Body.Close()
	return put.StatusCode
}

// uploads begins a text file and puts it into the store. It gives the file's id.
func (p person) uploads(body string, clientID ...string) string {
	p.t.Helper()
	begun := p.begins(body, clientID...)
	if status := begun.puts(body); status != 200 {
		p.t.Fatalf("the store answers %d", status)
	}
	return begun.text("attachment.id")
}

// link is where a file can be fetched, or nothing.
func (p person) link(id string, clientID ...string) string {
	p.t.Helper()
	query := "?ids=" + id
	for _, each := range clientID {
		query += "&clientId=" + each
	}
	return p.get("/api/attachments" + query).is(200).text("attachments.0.url")
}

// fetched is what a link gives.
func fetched(t *testing.T, link string) (string, http.Header) {
	t.Helper()
	answer, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%s: %s, %v", answer.Status, body, err)
	}
	return string(body), answer.Header
}

func TestAFileGoesFromOneSideToTheOtherThroughEitherStore(t *testing.T) {
	t.Parallel()
	for _, store := range objectstores.All(t) {
		w := newFilesWorldOn(t, store, nil)
		grace, ada := w.client("42"), w.developer("ada")
		grace.get("/api/session").is(200).has("limits.attachment.maxBytes", 25<<20, "limits.attachment.maxPerMessage", 10)

		// Before there is a conversation. The browser's own name of a file may be a path.
		const picture = "\x89PNG\r\n\x1a\n"
		begun := grace.post("/api/attachments", `{"fileName":"C:\\Users\\Grace\\screen \u202eshot.png","mediaType":"Image/PNG","size":%v,"width":1280,"height":720}`, len(picture)).is(201).
			has("attachment.fileName", "screen shot.png", "attachment.mediaType", "image/png", "attachment.size", len(picture), "attachment.width", 1280, "attachment.height", 720, "upload.method", "PUT",
				"upload.headers.If-None-Match", "*", "upload.headers.Content-Type", "image/png")
		if url := begun.text("upload.url"); strings.Contains(url, "shot") || strings.Contains(url, "/42") || !strings.HasPrefix(url, store.Endpoint+"/"+store.Bucket+"/clients/") {
			t.Errorf("the address is %s", url)
		}
		id := begun.text("attachment.id")
		if begun.puts(picture) != 200 || begun.puts(picture) != http.StatusPreconditionFailed {
			t.Error("it can be put there never, or twice")
		}
		other := grace.uploads("a log")
		if grace.link(id) != "" {
			t.Error("a file can be fetched that was not sent")
		}

		sent := grace.post("/api/messages/send", `{"attachmentIds":[%s,%s],"clientMessageId":"k"}`, id, other).is(201).
			has("message.body", "", "message.attachments.0.id", id, "message.attachments.0.width", 1280, "message.attachments.1.fileName", "notes.txt", "message.attachments.1.width", nil,
				"conversation.lastMessage.preview", "screen shot.png", "realtime", "delivered")
		ada.get("/api/messages/list?clientId=42").is(200).has("messages.0.attachments.1.id", other)
		heard := w.heard.Published()
		if got := lookup(t, []byte(heard[0].Data), "attachments.0.fileName"); heard[0].Name != "new-message" || got != "screen shot.png" {
			t.Errorf("%s with %v", heard[0].Name, got)
		}
		links := ada.get("/api/attachments?clientId=42&ids="+other+","+strings.ToUpper(id)+","+other).is(200).has("attachments.0.id", other, "attachments.1.id", id, "attachments.2", nil)
		if body, header := fetched(t, links.text("attachments.0.url")); body != "a log" || header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(header.Get("Content-Disposition"), "attachment; ") {
			t.Errorf("%q with %v", body, header)
		}
		if body, header := fetched(t, links.text("attachments.1.url")); body != picture || header.Get("Content-Type") != "image/png" || !strings.HasPrefix(header.Get("Content-Disposition"), `inline; filename="screen shot.png"`) {
			t.Errorf("%q with %v", body, header)
		}

		// An edit keeps the files, also without a text, and a deletion takes them.
		message := sent.text("message.id")
		grace.patch("/api/messages/edit", `{"messageId":%s,"body":"With a text"}`, message).is(200).has("message.attachments.0.id", id, "conversation.lastMessage.preview", "With a text")
		grace.patch("/api/messages/edit", `{"messageId":%s,"body":" "}`, message).is(200).has("message.attachments.1.id", other, "conversation.lastMessage.preview", "screen shot.png")
		ada.sends("no files", "42")
		grace.patch("/api/messages/edit", `{"messageId":%s,"body":""}`, grace.sends("no files")).fails(422, "validation_failed", "body")
		grace.remove("/api/messages/edit", `{"messageId":%s}`, message).is(200).has("message.attachments.0", nil, "message.body", "")
		if ada.link(id, "42") != "" {
			t.Error("a deleted file can be fetched")
		}
		grace.post("/api/messages/send", `{"attachmentIds":[%s,%s],"clientMessageId":"k"}`, id, other).is(200).has("message.attachments.0", nil)

		// A developer's, and one that the other side began.
		ada.post("/api/messages/send", `{"clientId":"42","body":"see","attachmentIds":[%s]}`, ada.uploads("a build", "42")).is(201)
		ada.post("/api/messages/send", `{"clientId":"42","attachmentIds":[%s]}`, grace.uploads("for you to send")).is(201)
		ada.post("/api/attachments", `{"clientId":"43","fileName":"a","mediaType":"a/b","size":1}`).fails(404, "not_found")
	}
}

func TestASendWithFilesAsksTheStoreOnceForEachAndARepetitionNever(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace, ada := w.client("42"), w.developer("ada")
	grace.sends("warm")
	var ids []string
	for range 4 {
		ids = append(ids, grace.uploads("text"))
	}
	for _, c := range []struct {
		name                      string
		call                      func() answer
		status                    int
		statements, heads, pushes int
	}{
		{"without files, as ever", func() answer { return grace.post("/api/messages/send", `{"body":"a"}`) }, 201, 2, 0, 1},
		{"with three: one more to look, and one for each to the store", func() answer {
			return grace.post("/api/messages/send", `{"body":"a","attachmentIds":%s,"clientMessageId":"k"}`, ids[:3])
		}, 201, 3, 3, 1},
		{"a repetition", func() answer {
			return grace.post("/api/messages/send", `{"body":"a","attachmentIds":%s,"clientMessageId":"k"}`, ids[:3])
		}, 200, 2, 0, 0},
		{"a repetition with another file, which was not sent", func() answer {
			return grace.post("/api/messages/send", `{"body":"a","attachmentIds":%s,"clientMessageId":"k"}`, ids[3:])
		}, 409, 2, 0, 0},
		{"a file that was used", func() answer { return grace.post("/api/messages/send", `{"attachmentIds":%s}`, ids) }, 409, 2, 0, 0},
		{"a file of another", func() answer { return w.client("43").post("/api/messages/send", `{"attachmentIds":%s}`, ids[3:]) }, 404, 2, 0, 0},
		{"a rule that is broken", func() answer {
			return grace.post("/api/messages/send", `{"attachmentIds":[%s,%s]}`, ids[3], ids[3])
		}, 422, 0, 0, 0},
		{"begin", func() answer { return grace.begins("text") }, 201, 1, 0, 0},
		{"fetch", func() answer { return ada.get("/api/attachments?clientId=42&ids=" + ids[0] + "," + ids[1]) }, 200, 1, 0, 0},
		{"fetch by a stranger", func() answer { return w.client("43").get("/api/attachments?clientId=42&ids=" + ids[0]) }, 403, 0, 0, 0},
		{"begin by nobody", func() answer {
			return w.nobody().post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":1}`)
		}, 401, 0, 0, 0},
	} {
		w.postgres.Reset()
		w.toPusher.Reset()
		w.asked.Reset()
		c.call().is(c.status)
		all, heads := len(w.asked.Requests()), len(w.asked.Requests(http.MethodHead))
		if statements, pushes := w.postgres.Statements(), len(w.toPusher.Requests()); statements != c.statements || heads != c.heads || all != heads || pushes != c.pushes {
			t.Errorf("%s: %d statements, %d requests to the store (%d HEAD), %d to Pusher; want %d, %d, %d", c.name, statements, all, heads, pushes, c.statements, c.heads, c.pushes)
		}
	}
}

// Security, each by its name: what an attachment's id, or what stands beside it, must not do. See docs/security.md.
func TestNobodyReachesAFileThatIsNotItsOwn(t *testing.T) { // T78
	t.Parallel()
	w := newFilesWorld(t)
	grace, mallory, ada := w.client("42"), w.client("43"), w.developer("ada")
	grace.sends("Hi")
	mallory.sends("Hi")
	unsent, sent, never, used := grace.uploads("secret"), grace.uploads("secret"), grace.begins("never put there").text("attachment.id"), grace.uploads("used")
	grace.post("/api/messages/send", `{"attachmentIds":[%s]}`, sent).is(201)
	grace.post("/api/messages/send", `{"attachmentIds":[%s]}`, used).is(201)
	short := grace.begins("longer than that")
	if short.puts("short") == 200 {
		t.Error("the store takes another length")
	}
	const nowhere = "01a207d9-217b-7c3e-9a51-2f6a8e0b4d13"
	same := func(a, b answer) {
		t.Helper()
		without := func(a answer) string {
			return strings.ReplaceAll(string(a.body), a.text("requestId"), "")
		}
		if without(a) != without(b) {
			t.Errorf("it tells: %s and %s", a.body, b.body)
		}
	}
	for _, test := range []struct {
		name  string
		who   person
		ids   []string
		in    string // the conversation that it names, if any
		code  int
		kind  string
		field string
	}{
		{"another client's unsent file", mallory, []string{unsent}, "", 404, "not_found", "attachmentIds"},
		{"another client's sent file", mallory, []string{sent}, "", 404, "not_found", "attachmentIds"},
		{"a file that is nowhere", mallory, []string{nowhere}, "", 404, "not_found", "attachmentIds"},
		{"another client's conversation", mallory, []string{unsent}, "42", 403, "forbidden", ""},
		{"another conversation's file by a developer", ada, []string{unsent}, "43", 404, "not_found", "attachmentIds"},
		{"an id twice", grace, []string{unsent, unsent}, "", 422, "validation_failed", "attachmentIds"},
		{"an id twice, in another spelling", grace, []string{unsent, strings.ToUpper(unsent)}, "", 422, "validation_failed", "attachmentIds"},
		{"a file of another message", grace, []string{unsent, used}, "", 409, "conflict", "attachmentIds"},
		{"a file that was never uploaded", grace, []string{never}, "", 422, "validation_failed", "attachmentIds"},
		{"one among others that was never uploaded", grace, []string{unsent, never}, "", 422, "validation_failed", "attachmentIds"},
		{"a file of which the store refused the bytes", grace, []string{short.text("attachment.id")}, "", 422, "validation_failed", "attachmentIds"},
		{"no UUID", grace, []string{"../" + unsent}, "", 422, "validation_failed", "attachmentIds"},
		{"too many", grace, slices.Repeat([]string{unsent}, 11), "", 422, "validation_failed", "attachmentIds"},
		{"none, and no text", grace, []string{}, "", 422, "validation_failed", "body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := (*string)(nil)
			if test.in != "" {
				in = &test.in
			}
			got := test.who.post("/api/messages/send", `{"clientId":%v,"attachmentIds":%v}`, in, test.ids)
			if test.field == "" {
				got.fails(test.code, test.kind)
			} else {
				got.fails(test.code, test.kind, test.field)
			}
		})
	}
	same(mallory.post("/api/messages/send", `{"attachmentIds":[%s]}`, sent), mallory.post("/api/messages/send", `{"attachmentIds":[%s]}`, nowhere))
	if n := w.count("select count(*) from chat.message"); n != 4 {
		t.Errorf("%d messages", n)
	}

	// Nor does a question for addresses tell more than that nothing is there.
	mallory.get("/api/attachments?clientId=42&ids="+sent).fails(403, "forbidden")
	for _, id := range []string{sent, unsent, nowhere} {
		for _, answer := range []answer{mallory.get("/api/attachments?ids=" + id), ada.get("/api/attachments?clientId=43&ids=" + id)} {
			if string(answer.is(200).body) != `{"attachments":[]}` {
				t.Errorf("%s", answer.body)
			}
		}
	}
	ada.get("/api/attachments?clientId=44&ids="+sent).fails(404, "not_found")
	same(mallory.get("/api/attachments?clientId=42&ids="+sent), mallory.get("/api/attachments?clientId=45&ids="+nowhere))
}

func TestWhatIsWrongWithAFileIsNamed(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t, "CHAT_ATTACHMENT_MAX_MB=1")
	grace, ada := w.client("42"), w.developer("ada")
	good := map[string]any{"fileName": "a.png", "mediaType": "image/png", "size": 1 << 20}
	for _, test := range []struct {
		name   string
		change map[string]any
		status int
		code   string
		field  string
	}{
		{"as it should be", nil, 201, "", ""},
		{"no name", map[string]any{"fileName": nil}, 422, "validation_failed", "fileName"},
		{"no type", map[string]any{"mediaType": nil}, 422, "validation_failed", "mediaType"},
		{"no size", map[string]any{"size": nil}, 422, "validation_failed", "size"},
		{"nothing in it", map[string]any{"size": 0}, 422, "validation_failed", "size"},
		{"a negative size", map[string]any{"size": -1}, 422, "validation_failed", "size"},
		{"too large", map[string]any{"size": 1<<20 + 1}, 422, "validation_failed", "size"},
		{"a size that is a text", map[string]any{"size": "1"}, 400, "invalid_request", "size"},
		{"half a byte", map[string]any{"size": 1.5}, 400, "invalid_request", "size"},
		{"a folder", map[string]any{"fileName": "folder/"}, 422, "validation_failed", "fileName"},
		{"the folder above", map[string]any{"fileName": "a/.."}, 422, "validation_failed", "fileName"},
		{"nothing visible", map[string]any{"fileName": "\u202e\u200b "}, 422, "validation_failed", "fileName"},
		{"a control character", map[string]any{"fileName": "a\r\nb.png"}, 422, "validation_failed", "fileName"},
		{"a zero byte", map[string]any{"fileName": "a.png\x00.exe"}, 422, "validation_failed", "fileName"},
		{"255 bytes", map[string]any{"fileName": strings.Repeat("é", 127) + "e"}, 201, "", ""},
		{"256 bytes", map[string]any{"fileName": strings.Repeat("é", 128)}, 422, "validation_failed", "fileName"},
		{"255 bytes behind a path", map[string]any{"fileName": strings.Repeat("a/", 300) + strings.Repeat("b", 255)}, 201, "", ""},
		{"quotes", map[string]any{"fileName": `"; filename="x.exe`}, 201, "", ""},
		{"parameters", map[string]any{"mediaType": "text/html; charset=utf-8"}, 422, "validation_failed", "mediaType"},
		{"no subtype", map[string]any{"mediaType": "text/"}, 422, "validation_failed", "mediaType"},
		{"a header in the type", map[string]any{"mediaType": "text/html\r\nx: y"}, 422, "validation_failed", "mediaType"},
		{"a long type", map[string]any{"mediaType": "a/" + strings.Repeat("b", 126)}, 422, "validation_failed", "mediaType"},
		{"the longest type", map[string]any{"mediaType": "a/" + strings.Repeat("b", 125)}, 201, "", ""},
		{"no pixels", map[string]any{"width": 0}, 422, "validation_failed", "width"},
		{"pixels of what is no image", map[string]any{"mediaType": "text/plain", "width": 0, "height": -1}, 201, "", ""},
		{"a key of its own", map[string]any{"objectKey": "clients/other"}, 400, "invalid_request", "objectKey"},
		{"a place of its own", map[string]any{"url": "https://example.com"}, 400, "invalid_request", "url"},
		{"another's conversation", map[string]any{"clientId": "43"}, 403, "forbidden", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			draft := map[string]any{}
			for _, fields := range []map[string]any{good, test.change} {
				for name, value := range fields {
					draft[name] = value
				}
			}
			answer := grace.post("/api/attachments", "%s", draft)
			switch {
			case test.status == 201:
				answer.is(201)
				w.sql("delete from chat.attachment")
				w.sql("delete from chat.attachment_rate")
			case test.field == "":
				answer.fails(test.status, test.code)
			default:
				answer.fails(test.status, test.code, test.field)
			}
		})
	}
	grace.call("POST", "/api/attachments", "text/plain", "{}").fails(415, "unsupported_media_type")
	ada.post("/api/attachments", `{}`).fails(422, "validation_failed", "clientId").has("errors.1.field", "fileName", "errors.2.field", "mediaType", "errors.3.field", "size", "errors.4", nil)
	ids := func(n int) string {
		return strings.Repeat("01a207d9-217b-7c3e-9a51-2f6a8e0b4d13,", n-1) + "01a207d9-217b-7c3e-9a51-2f6a8e0b4d13"
	}
	for query, field := range map[string]string{
		"": "ids", "?ids=": "ids", "?ids=a": "ids", "?ids=" + ids(1) + ",": "ids", "?ids=" + ids(51): "ids", "?ids=" + ids(1) + "&ids=" + ids(1): "ids", "?id=" + ids(1): "id",
	} {
		grace.get("/api/attachments"+query).fails(400, "invalid_request", field)
	}
	for _, query := range []string{"?ids=" + ids(1), "?clientId=&ids=" + ids(1)} {
		ada.get("/api/attachments"+query).fails(400, "invalid_request", "clientId")
	}
	grace.get("/api/attachments?ids="+ids(50)).is(200).has("attachments.0", nil)
}

func TestAClientBeginsAtMostSoMuch(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace := w.client("42")
	limited := func(a answer) {
		t.Helper()
		if a.fails(429, "rate_limited").header.Get("Retry-After") == "" {
			t.Error("it is not said when to try again")
		}
	}
	for range 20 {
		grace.begins("x")
	}
	limited(grace.post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":1}`))
	w.sql("update chat.attachment set seq = 1")
	for range 7 {
		grace.post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":%v}`, 25<<20).is(201)
	}
	grace.post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":%v}`, 25<<20-20).is(201) // 200 MB with the twenty
	limited(grace.post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":1}`))
	w.client("43").begins("x")
	grace.sends("Hi")
	w.developer("ada").begins("x", "42")
}

func TestWithoutAnObjectStoreThereAreNoFilesAndNothingIsOpened(t *testing.T) {
	t.Parallel()
	store := objectstores.Embedded(t, nil)
	for name, settings := range map[string][]string{
		"none of its variables": nil,
		"some of them":          {"S3_ENDPOINT=" + store.Endpoint, "S3_BUCKET=" + store.Bucket},
		"a size that is none":   append(environment(store), "CHAT_ATTACHMENT_MAX_MB=canary"),
	} {
		w := newWorld(t, settings...)
		grace := w.client("42")
		grace.get("/api/session").is(200).has("limits.attachment", nil)
		grace.post("/api/attachments", `{"fileName":"a","mediaType":"a/b","size":1}`).fails(503, "unavailable")
		grace.get("/api/attachments?ids=01a207d9-217b-7c3e-9a51-2f6a8e0b4d13").fails(503, "unavailable")
		grace.post("/api/messages/send", `{"attachmentIds":["01a207d9-217b-7c3e-9a51-2f6a8e0b4d13"]}`).fails(404, "not_found")
		grace.post("/api/messages/send", `{"body":"Hi","attachmentIds":[]}`).is(201).has("message.attachments.0", nil)
		w.deliver()
		said := strings.Contains(w.log.String(), "no file is taken or given")
		if said != (settings != nil) || strings.Contains(w.log.String(), "canary") {
			t.Errorf("%s: the log says %s", name, w.log)
		}
		if len(settings) == 2 && (!strings.Contains(w.log.String(), "S3_REGION is missing") || !strings.Contains(w.log.String(), "S3_SECRET_ACCESS_KEY is missing")) {
			t.Errorf("%s: the log says %s", name, w.log)
		}
	}
}

func environment(store objectstores.Store) (settings []string) {
	for name, value := range store.Environment() {
		settings = append(settings, name+"="+value)
	}
	return settings
}

// deliver calls the cron's function.
func (w *world) deliver() answer {
	w.t.Helper()
	return w.nobody().with("Authorization: Bearer " + cronSecret).get("/api/cron/deliver").is(200)
}

func TestAStoreThatDoesNotAnswerCostsTimeAndNoMessage(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace := w.client("42")
	id, sent := grace.uploads("text"), grace.uploads("text")
	again := func() answer {
		return grace.post("/api/messages/send", `{"attachmentIds":[%s],"clientMessageId":"sent"}`, sent)
	}
	again().is(201)
	for _, failure := range []objectstore.Failure{objectstore.InternalError, objectstore.Page, objectstore.Drop, objectstore.Hang} {
		w.store.Server.Fail(failure)
		if grace.post("/api/messages/send", `{"attachmentIds":[%s],"clientMessageId":"k"}`, id).fails(503, "unavailable").header.Get("Retry-After") == "" {
			t.Error("it is not said when to try again")
		}
		again().is(200) // and what needs no store works
		grace.sends("no files")
		grace.begins("text")
	}
	w.store.Server.Fail(objectstore.Nothing)
	grace.post("/api/messages/send", `{"attachmentIds":[%s],"clientMessageId":"k"}`, id).is(201)
	if log := w.log.String(); strings.Contains(log, "clients/") || strings.Contains(log, "X-Amz") || strings.Contains(log, "notes.txt") || !strings.Contains(log, "files: timeout") || !strings.Contains(log, `"filesMs"`) {
		t.Errorf("the log says %s", log)
	}
}

func TestAnEditThatNamesNoTextLeavesTheTextOfAMessageWithFiles(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace := w.client("42")
	id := grace.post("/api/messages/send", `{"body":"see","attachmentIds":[%s]}`, grace.uploads("text")).is(201).text("message.id")
	for _, rest := range []string{``, `,"body":null`, `,"ifVersion":1`} {
		grace.patch("/api/messages/edit", `{"messageId":%s`+rest+`}`, id).fails(422, "validation_failed", "body")
	}
	grace.get("/api/messages/list").is(200).has("messages.0.body", "see", "messages.0.version", 1)
	grace.patch("/api/messages/edit", `{"messageId":%s,"body":""}`, id).is(200).has("message.body", "")
}

// A part of the cron that fails keeps the others from nothing.
func TestTheCronDeletesFilesThoughItsOtherPartsFail(t *testing.T) {
	t.Parallel()
	secret := webhooks.Secret()
	w := newFilesWorld(t, "CHAT_WEBHOOK_URL="+webhooks.Start(t, secret).URL, "CHAT_WEBHOOK_SECRET="+secret)
	grace := w.client("42")
	grace.sends("Hi")
	grace.uploads("unsent")
	w.ages()
	for _, name := range []string{"queue_webhooks_v1", "claim_v2"} {
		w.sql("drop function chat." + name)
	}
	w.nobody().with("Authorization: Bearer "+cronSecret).get("/api/cron/deliver").fails(503, "unavailable")
	if n := len(w.store.List(t)); n != 0 {
		t.Errorf("%d objects are left", n)
	}
}

func TestTheCronDeletesWhatNobodySentAndWhatWasDeleted(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace := w.client("42")
	grace.sends("Hi")
	kept, deleted, unsent := grace.uploads("kept"), grace.uploads("deleted"), grace.uploads("unsent")
	grace.begins("never put there")
	grace.post("/api/messages/send", `{"attachmentIds":[%s]}`, kept).is(201)
	message := grace.post("/api/messages/send", `{"attachmentIds":[%s]}`, deleted).is(201).text("message.id")
	grace.remove("/api/messages/edit", `{"messageId":%s}`, message).is(200)
	w.deliver()
	if n := len(w.store.List(t)); n != 3 {
		t.Errorf("%d objects", n)
	}
	w.ages()
	grace.post("/api/messages/send", `{"attachmentIds":[%s]}`, unsent).fails(404, "not_found")
	w.store.Server.Fail(objectstore.InternalError, http.MethodDelete)
	w.deliver()
	w.store.Server.Fail(objectstore.Nothing)
	if n := len(w.store.List(t)); n != 3 || w.count("select count(*) from chat.object_deletion") != 3 || !strings.Contains(w.log.String(), "files could not be deleted from the object store") {
		t.Errorf("%d objects: %s", n, w.log)
	}
	w.asked.Reset()
	w.deliver() // a minute has not passed
	if n := len(w.asked.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	w.ages()
	w.deliver()
	if n := len(w.store.List(t)); n != 1 || w.count("select count(*) from chat.object_deletion") != 0 || w.count("select count(*) from chat.attachment") != 1 {
		t.Errorf("%d objects", n)
	}
	if body, _ := fetched(t, grace.link(kept)); body != "kept" {
		t.Errorf("%q", body)
	}
}

// ages has a day pass for all files.
func (w *filesWorld) ages() {
	w.t.Helper()
	w.sql("update chat.attachment set begun_at = begun_at - interval '1 day' where seq is null")
	w.sql("update chat.object_deletion set due_at = due_at - interval '1 day'")
}

// People send, cancel, die between the upload and the send, delete and are erased, all at once, while the store fails now
// and then. When they are gone for a day, the store has what the messages have and nothing else, after at most two runs.
func TestNothingIsOrphaned(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t, "CHAT_RATE_LIMIT=0")
	ada := w.developer("ada")
	var people sync.WaitGroup
	for n := range 6 {
		people.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(n)))
			id := fmt.Sprint("client-", n)
			me := w.client(id)
			me.sends("Hi")
			for range 12 {
				switch what := random.IntN(10); what {
				case 0: // begun, and given up
					me.begins("text")
				case 1: // uploaded, and then the page is closed
					me.uploads("text")
				case 2: // the upload is cut off
					begun := me.begins("a text that does not arrive")
					r, _ := http.NewRequest("PUT", begun.text("upload.url"), io.MultiReader(strings.NewReader("a text"), failing{}))
					r.ContentLength = int64(begun.number("attachment.size"))
					r.Header.Set("Content-Type", "text/plain")
					r.Header.Set("If-None-Match", "*")
					if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
						answer.Body.Close()
					}
				default:
					who, ids := me, []string{}
					for range 1 + random.IntN(3) {
						if what%2 == 0 {
							who = ada
						}
						ids = append(ids, who.uploads("text", id))
					}
					message := who.post("/api/messages/send", `{"clientId":%s,"attachmentIds":%s}`, id, ids).is(201).text("message.id")
					if what >= 7 {
						ada.remove("/api/messages/edit", `{"clientId":%s,"messageId":%s}`, id, message).is(200)
					}
				}
			}
			switch n {
			case 0:
				w.erases(id)
			case 1:
				w.erases(id)
				if err := archive.Remove(w.t.Context(), w.database, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	people.Wait()
	w.ages()
	w.store.Server.Fail(objectstore.SlowDown, http.MethodDelete)
	w.deliver() // counts as none: nothing could be deleted
	w.store.Server.Fail(objectstore.Nothing)
	w.ages()
	before := len(w.store.List(t))
	for run := 1; ; run++ {
		w.deliver()
		objects := w.store.List(t)
		rows, err := w.straight().Query(t.Context(), "select object_key, size, jsonb_path_exists(m.attachments, '$[*] ? (@.id == $id)', jsonb_build_object('id', a.id)) from chat.attachment a left join chat.message m using (client_id, seq)")
		if err != nil {
			t.Fatal(err)
		}
		there := 0
		for rows.Next() {
			var key string
			var size int64
			var shown *bool
			if err := rows.Scan(&key, &size, &shown); err != nil {
				t.Fatal(err)
			}
			if there++; shown == nil || !*shown || objects[key] != size {
				t.Errorf("a file of %d bytes, shown %v, has %d in the store", size, shown, objects[key])
			}
		}
		if there == len(objects) && w.count("select count(*) from chat.object_deletion") == 0 {
			if there == 0 || before <= there {
				t.Errorf("%d objects were there, and %d stay", before, there)
			}
			t.Logf("%d of %d objects stay, after %d runs", there, before, run)
			break
		}
		if run == 2 {
			t.Fatalf("%d objects and %d files", len(objects), there)
		}
	}
	if n := w.count("select count(*) from chat.message m, jsonb_array_elements(m.attachments) a where not exists (select from chat.attachment x where x.client_id = m.client_id and x.seq = m.seq and x.id = (a ->> 'id')::uuid)"); n != 0 {
		t.Errorf("%d files are shown and not kept", n)
	}
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnErasureAndAnExportKnowFiles(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	grace := w.client("42")
	id, unsent := grace.uploads("canary of a text"), grace.post("/api/attachments", `{"fileName":"canary2.txt","mediaType":"text/plain","size":1}`).is(201)
	grace.post("/api/messages/send", `{"attachmentIds":[%s],"clientMessageId":"k"}`, id).is(201)
	text := w.exports("42")
	if !bytes.Contains(text, []byte(`"attachments":[{"id":"`+id+`","fileName":"notes.txt","mediaType":"text/plain","size":16,"width":null,"height":null,"objectKey":"`+chat.ObjectPrefix("42"))) || bytes.Contains(text, []byte("canary")) {
		t.Errorf("exported: %s", text)
	}

	// Imported elsewhere, with the same bucket, all is as it was.
	fresh := newWorld(t, environment(w.store)...)
	if done := fresh.imports(text); done.Messages != 1 {
		t.Errorf("%+v", done)
	}
	fresh.same(w.conversation("42"), fresh.conversation("42"))
	if body, _ := fetched(t, fresh.client("42").link(id)); body != "canary of a text" {
		t.Errorf("%q", body)
	}
	fresh.client("42").post("/api/messages/send", `{"attachmentIds":[%s],"clientMessageId":"k"}`, id).is(200)
	fresh.client("42").post("/api/messages/send", `{"attachmentIds":[%s]}`, id).fails(409, "conflict")
	if again := fresh.exports("42"); string(again[bytes.Index(again, []byte(`"clientId"`)):]) != string(text[bytes.Index(text, []byte(`"clientId"`)):]) {
		t.Errorf("exported again it is %s, and was %s", again, text)
	}
	// An export cannot take hold of somebody else's file.
	for _, wrong := range []struct{ old, new string }{
		{chat.ObjectPrefix("42"), chat.ObjectPrefix("43")}, {`"notes.txt"`, `"../notes"`}, {`"size":16`, `"size":0`}, {`"objectKey":"`, `"objectKey":"../`},
	} {
		if _, err := newWorld(t).triesToImport(bytes.ReplaceAll(text, []byte(wrong.old), []byte(wrong.new))); err == nil {
			t.Errorf("%s is taken", wrong.new)
		}
	}

	done := w.erases("42")
	if len(done.Objects) != 2 {
		t.Errorf("%+v", done)
	}
	after := w.dump()
	for _, gone := range []string{"notes.txt", "canary", id, unsent.text("attachment.id")} {
		if strings.Contains(after, gone) {
			t.Errorf("a dump still has %q", gone)
		}
	}
	w.developer("ada").get("/api/messages/list?clientId=42").is(200).has("messages.0.attachments.0", nil, "messages.0.seq", 1)
	w.ages()
	w.deliver()
	if n := len(w.store.List(t)); n != 0 {
		t.Errorf("%d objects are left", n)
	}
	// Of a client who only began a file there is that to erase.
	w.client("44").begins("x")
	if done := w.erases("44"); !done.Changed || len(done.Objects) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestHealthSaysInTheLogIfBrowsersCannotUploadAndAsksSeldom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		origins string
		said    bool
	}{
		"pages of this machine, which the store lets in": {"", false},
		"another's pages": {"https://app.example.com", true},
	} {
		w := newFilesWorld(t, "CHAT_ALLOWED_ORIGINS="+test.origins)
		for range 3 {
			w.nobody().get("/api/health").is(200)
		}
		asked := len(w.asked.Requests(http.MethodOptions))
		if said := strings.Count(w.log.String(), "browsers cannot put files into the object store"); said != map[bool]int{true: 1}[test.said] || asked < 1 || asked > 2 || strings.Contains(w.log.String(), "app.example.com") {
			t.Errorf("%s: said %d times, asked %d times: %s", name, said, asked, w.log)
		}
	}
}

// A message may have ten files with the longest names, and its event still has all of them.
func TestTheEventOfAMessageHasAllOfItsFilesHoweverLongItIs(t *testing.T) {
	t.Parallel()
	w := newFilesWorld(t)
	me := w.client("42")
	me.token = signed(t, chat.Identity{ID: strings.Repeat(`"`, 40), Role: chat.Client, Name: strings.Repeat("\U0001f469", 120)})
	var ids []string
	for range 10 {
		begun := me.post("/api/attachments", `{"fileName":%s,"mediaType":%s,"size":1,"width":1000000,"height":1000000}`, strings.Repeat(`"`, 255), "image/"+strings.Repeat("x", 121)).is(201)
		begun.puts("x")
		ids = append(ids, begun.text("attachment.id"))
	}
	me.post("/api/messages/send", `{"body":%s,"attachmentIds":%s,"clientMessageId":%s}`, strings.Repeat("\U0001f469", 8000), ids, strings.Repeat(`"`, 64)).is(201).has("realtime", "delivered")
	for _, event := range w.heard.Published() {
		if event.Name == "new-message" {
			if len(event.Data) > 10240 || lookup(t, []byte(event.Data), "attachments.9.id") != ids[9] || lookup(t, []byte(event.Data), "truncated") != true {
				t.Errorf("%d bytes: %s", len(event.Data), event.Data)
			}
			return
		}
	}
	t.Error("there is no event")
}
