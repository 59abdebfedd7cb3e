package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"

	"devinbox/pkg/chat"
)

// begins begins a file of so many bytes in a client's conversation, and gives its id.
func (w *world) begins(clientID string, size int64) string {
	w.Helper()
	id, err := w.store.BeginAttachment(w.Context(), fileOf(clientID, size))
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// fileOf is a file that a client begins.
func fileOf(clientID string, size int64) chat.AttachmentParams {
	return chat.AttachmentParams{
		ClientID: clientID, Key: chat.ObjectPrefix(clientID) + uuid.NewString(), ByClient: true,
		Attachment: chat.Attachment{FileName: "a \u202f file.png", MediaType: "image/png", Size: size, Width: pointer(3)},
		MostUnsent: chat.MaxUnsentAttachments, DailyBytes: chat.DailyAttachmentBytes,
	}
}

// withFiles is a message with files, all of which the object store has with so many bytes.
func withFiles(p chat.SendParams, size int64, ids ...string) chat.SendParams {
	p.AttachmentIDs, p.Sizes = ids, nil
	for range ids {
		p.Sizes = append(p.Sizes, &size)
	}
	return p
}

func (w *world) refuses(p chat.SendParams, want chat.Kind) {
	w.Helper()
	messages := ask[int](w, "select count(*) from chat.message")
	conversations := ask[int](w, "select count(*) from chat.conversation")
	_, err := w.store.Send(w.Context(), p)
	wantKind(w.T, err, want)
	if ask[int](w, "select count(*) from chat.message") != messages || ask[int](w, "select count(*) from chat.conversation") != conversations {
		w.Error("a refused message leaves something behind")
	}
}

func (w *world) keysToDelete() []string {
	w.Helper()
	keys, err := w.store.DueObjects(w.Context(), 100)
	if err != nil {
		w.Fatal(err)
	}
	return keys
}

func TestAMessageHasItsFilesWhereverItIsShown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := w.begins("42", 7), w.begins("42", 7)
	p := withFiles(keyed(fromClient("42", ""), "key"), 7, second, first)
	p.Preview = ""
	found, err := w.store.FindUploads(t.Context(), p)
	if err != nil || len(found) != 2 || found[0].Size != 7 || found[0].FileName != "a \u202f file.png" || found[0].Key == found[1].Key {
		t.Errorf("%+v, %v", found, err)
	}
	sent := w.send(p)
	want := []chat.Attachment{
		{ID: second, FileName: "a \u202f file.png", MediaType: "image/png", Size: 7, Width: pointer(3)},
		{ID: first, FileName: "a \u202f file.png", MediaType: "image/png", Size: 7, Width: pointer(3)},
	}
	has := func(where string, got []chat.Attachment) {
		t.Helper()
		if fmt.Sprint(texts(got)) != fmt.Sprint(texts(want)) {
			t.Errorf("%s: %+v", where, got)
		}
	}
	has("the answer", sent.Message.Attachments)
	has("the event", sent.Events[0].Message.Attachments)
	has("the list", w.list(chat.MessageQuery{ClientID: "42", Limit: 9}).Messages[0].Attachments)
	if preview := sent.Conversation.LastMessage.Preview; preview != "a file.png" {
		t.Errorf("the preview is %q", preview)
	}

	// A repetition finds nothing to ask the object store for, and is none with other files, or in another order.
	if found, err := w.store.FindUploads(t.Context(), p); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	again := w.send(withFiles(p, -1, second, first))
	has("the repetition", again.Message.Attachments)
	if !again.Replayed {
		t.Error("it is none")
	}
	for _, other := range [][]string{nil, {first, second}, {second}} {
		w.refuses(withFiles(p, 7, other...), chat.Conflict)
	}

	// An edit may take the text away, and a deletion takes the files.
	text := w.change(edit(sent.Message, client("42"), "a text"))
	has("the edit", text.Message.Attachments)
	bare := w.change(edit(sent.Message, client("42"), ""))
	has("the edit without a text", bare.Events[0].Message.Attachments)
	if bare.Conversation.LastMessage.Preview != "a file.png" || text.Conversation.LastMessage.Preview != "a text" {
		t.Errorf("the previews are %q and %q", bare.Conversation.LastMessage.Preview, text.Conversation.LastMessage.Preview)
	}
	gone := w.change(deletion(sent.Message, ada))
	if len(gone.Message.Attachments) != 0 || gone.Message.Attachments == nil || gone.Conversation.LastMessage.Preview != "" {
		t.Errorf("deleted: %+v", gone)
	}
	if again := w.send(p); !again.Replayed || len(again.Message.Attachments) != 0 {
		t.Errorf("the repetition of a deleted message: %+v", again)
	}
	if n := ask[int](w, "select count(*) from chat.attachment"); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if links, err := w.store.FindAttachments(t.Context(), "42", true, []string{first, second}); err != nil || len(links) != 0 {
		t.Errorf("%+v, %v", links, err)
	}
	_, err = w.store.ChangeMessage(t.Context(), edit(chat.Message{ClientID: "42", ID: uuid.NewString()}, client("42"), ""))
	wantKind(t, err, chat.Unprocessable)
}

// texts are files as texts that can be compared.
func texts(files []chat.Attachment) (list []string) {
	for _, file := range files {
		list = append(list, fmt.Sprint(file.ID, file.FileName, file.MediaType, file.Size, *file.Width, file.Height))
	}
	return list
}

func TestAFileIsSentOnceInItsConversationAndAsItWasBegun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, used := w.begins("42", 7), w.begins("42", 7)

	// Also a first message leaves no conversation behind that is refused.
	w.refuses(withFiles(fromClient("42", "Hi"), 8, own), chat.Unprocessable)
	missing := withFiles(fromClient("42", "Hi"), 7, own)
	missing.Sizes[0] = nil
	w.refuses(missing, chat.Unprocessable)
	w.refuses(withFiles(fromClient("43", "Hi"), 7, own), chat.NotFound)

	w.send(withFiles(fromClient("42", "Hi"), 7, used))
	w.send(fromClient("43", "Hi"))
	w.refuses(withFiles(fromClient("43", "Hi"), 7, own), chat.NotFound)
	w.refuses(withFiles(fromClient("43", "Hi"), 7, used), chat.NotFound)
	w.refuses(withFiles(fromClient("42", "Hi"), 7, uuid.NewString()), chat.NotFound)
	w.refuses(withFiles(fromClient("42", "Hi"), 7, own, used), chat.Conflict)
	w.refuses(withFiles(fromClient("42", "Hi"), 8, own), chat.Unprocessable)
	w.refuses(missing, chat.Unprocessable)
	if n := ask[int](w, "select count(*) from chat.attachment where seq is null"); n != 1 {
		t.Errorf("%d files are not sent", n)
	}
	// Whoever began it, either side may send it.
	w.send(withFiles(fromAda("42", "Hi"), 7, own))
	_, err := w.store.FindAttachments(t.Context(), "44", false, []string{own})
	wantKind(t, err, chat.NotFound)
	for clientID, want := range map[string]int{"42": 2, "43": 0, "44": 0} {
		if links, err := w.store.FindAttachments(t.Context(), clientID, true, []string{own, used}); err != nil || len(links) != want {
			t.Errorf("%s: %+v, %v", clientID, links, err)
		}
	}

	late := w.begins("42", 7)
	w.exec("update chat.attachment set begun_at = begun_at - interval '24 hours' where seq is null")
	w.refuses(withFiles(fromClient("42", "Hi"), 7, late), chat.NotFound)
}

// Two sends of one key at once, and of one file under two keys, as the first messages of a conversation.
func TestOfManySendsOfAFileOneIsStored(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for round := range 5 {
		clientID := fmt.Sprint("client ", round)
		id := w.begins(clientID, 7)
		var mu sync.Mutex
		came := map[string]int{}
		var sending sync.WaitGroup
		for i := range 8 {
			sending.Go(func() {
				saved, err := w.store.Send(t.Context(), withFiles(keyed(fromClient(clientID, ""), fmt.Sprint("key ", i%2)), 7, id))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					came[string(chat.KindOf(err))]++
				case saved.Replayed:
					came["replayed"]++
				default:
					came["sent"]++
				}
			})
		}
		sending.Wait()
		if came["sent"] != 1 || came["replayed"] != 3 || came["conflict"] != 4 {
			t.Errorf("%v", came)
		}
		if n := ask[int](w, "select last_seq from chat.conversation where client_id = $1", clientID); n != 1 {
			t.Errorf("%d messages", n)
		}
	}
}

func TestAClientBeginsSoManyFilesAndSoManyBytes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	limited := func(p chat.AttachmentParams, within time.Duration) {
		t.Helper()
		_, err := w.store.BeginAttachment(t.Context(), p)
		wantKind(t, err, chat.RateLimited)
		if after := err.(*chat.Error).RetryAfter; after < time.Second || after > within {
			t.Errorf("again after %v", after)
		}
	}
	var ids []string
	for range chat.MaxUnsentAttachments {
		ids = append(ids, w.begins("42", 1))
	}
	limited(fileOf("42", 1), 24*time.Hour)
	w.begins("43", 1) // has its own limit
	w.send(withFiles(fromClient("42", ""), 1, ids[0]))
	w.begins("42", 1)
	w.exec("update chat.attachment set begun_at = now() - interval '1 day' where id = $1", ids[1]) // late, and not deleted yet
	w.begins("42", 1)
	limited(fileOf("42", 1), 24*time.Hour)

	// What was sent and deleted counts all the same.
	w.exec("delete from chat.attachment")
	w.exec("update chat.attachment_rate set bytes = array[$1::bigint] where client_id = '42'", int64(chat.DailyAttachmentBytes-10))
	limited(fileOf("42", 11), 25*time.Hour)
	w.begins("42", 10)
	limited(fileOf("42", 1), 25*time.Hour)
	w.exec("update chat.attachment_rate set hours = array[now() - interval '24 hours 59 minutes', hours[1]], bytes = array[9, bytes[1] - 9] where client_id = '42'")
	limited(fileOf("42", 9), time.Minute)
	limited(fileOf("42", 10), 25*time.Hour)
	w.exec("update chat.attachment_rate set hours[1] = now() - interval '25 hours' where client_id = '42'")
	w.begins("42", 9)
	if hours := ask[int](w, "select cardinality(hours) from chat.attachment_rate where client_id = '42'"); hours > 2 {
		t.Errorf("%d hours are kept", hours)
	}

	// A developer's need a conversation, and have no limit.
	developers := fileOf("44", chat.DailyAttachmentBytes)
	developers.ByClient = false
	_, err := w.store.BeginAttachment(t.Context(), developers)
	wantKind(t, err, chat.NotFound)
	developers.ClientID = "42"
	for range 22 {
		developers.Key += "x"
		if _, err := w.store.BeginAttachment(t.Context(), developers); err != nil {
			t.Fatal(err)
		}
	}
	w.exec("update chat.attachment_rate set bytes = '{0}', hours = array[now()]")
	w.begins("42", 1) // whose files do not count as the client's
}

func TestManyBeginningsAtOnceKeepToTheLimits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var begun, refused int
	var mu sync.Mutex
	var running sync.WaitGroup
	for range 30 {
		running.Go(func() {
			_, err := w.store.BeginAttachment(t.Context(), fileOf("42", 1))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				begun++
			case chat.KindOf(err) == chat.RateLimited:
				refused++
			}
		})
	}
	running.Wait()
	if begun > chat.MaxUnsentAttachments || begun+refused > 30 || ask[int](w, "select count(*) from chat.attachment") != begun {
		t.Errorf("%d begun, %d refused", begun, refused)
	}
	if bytes := ask[int](w, "select sum(b) from chat.attachment_rate, unnest(bytes) b"); bytes != begun {
		t.Errorf("%d bytes are counted of %d", bytes, begun)
	}
}

func TestWhatIsNotSentAndWhatIsDeletedIsGivenToTheCronUntilItIsGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	unsent, kept, deleted := w.begins("42", 1), w.begins("42", 1), w.begins("42", 1)
	m := w.send(withFiles(fromClient("42", ""), 1, deleted)).Message
	w.send(withFiles(fromClient("42", ""), 1, kept))
	key := func(id string) string {
		return ask[string](w, "select object_key from chat.attachment where id = $1", id)
	}
	unsentKey, deletedKey := key(unsent), key(deleted)
	if due := w.keysToDelete(); len(due) != 0 {
		t.Errorf("due: %v", due)
	}
	w.change(deletion(m, ada))
	if due := w.keysToDelete(); len(due) != 0 { // an upload may still be going on
		t.Errorf("due at once: %v", due)
	}
	w.exec("update chat.object_deletion set due_at = due_at - interval '1 hour'")
	w.exec("update chat.attachment set begun_at = begun_at - interval '1 day'")
	for range 2 { // a run that was killed leaves them to the next one
		if due := w.keysToDelete(); len(due) != 2 || !slices.Contains(due, unsentKey) || !slices.Contains(due, deletedKey) {
			t.Errorf("due: %v", due)
		}
	}
	if err := w.store.SettleObjects(t.Context(), []string{deletedKey}, []string{unsentKey}); err != nil {
		t.Fatal(err)
	}
	if due := w.keysToDelete(); len(due) != 0 {
		t.Errorf("due before a minute is over: %v", due)
	}
	w.exec("update chat.object_deletion set due_at = due_at - interval '1 minute'")
	if due := w.keysToDelete(); len(due) != 1 || due[0] != unsentKey {
		t.Errorf("due again: %v", due)
	}
	if err := w.store.SettleObjects(t.Context(), []string{unsentKey}, nil); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](w, "select count(*) from chat.object_deletion"); n != 0 || ask[int](w, "select count(*) from chat.attachment") != 1 {
		t.Errorf("%d are to be deleted", n)
	}

	// What counts a client's bytes goes when none of them counts any more.
	w.exec("update chat.attachment_rate set last_at = last_at - interval '26 hours'")
	w.keysToDelete()
	if n := ask[int](w, "select count(*) from chat.attachment_rate"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// Code that knows nothing of files deletes a message: here as the function of the step before does it.
func TestTheFilesOfAMessageGoWithItWhoeverDeletesIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, sql := range []string{
		"update chat.message set body = '', deleted_at = now(), version = 2 where seq = 1",
		"delete from chat.message",
		"delete from chat.conversation",
	} {
		w.send(withFiles(fromClient("42", ""), 1, w.begins("42", 1)))
		w.exec(sql)
		if n := ask[int](w, "select count(*) from chat.message where attachments is not null"); n != 0 {
			t.Errorf("%s: %d messages have files", sql, n)
		}
		if ask[int](w, "select count(*) from chat.attachment") != 0 || ask[int](w, "select count(*) from chat.object_deletion") != 1 {
			t.Errorf("%s: its objects stay", sql)
		}
		for _, table := range []string{"conversation", "object_deletion", "outbox"} {
			w.exec("delete from chat." + table)
		}
	}
}

func TestTheDatabaseMakesTheSamePreviewOfAFilesNameAsPackageChat(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var name strings.Builder
	for r := rune(0x20); r < 0x3100; r++ {
		if unicode.IsSpace(r) && !unicode.IsControl(r) {
			fmt.Fprintf(&name, "x%c%cy", r, r)
		}
	}
	for _, text := range []string{name.String(), "\u3000 a \u00a0", strings.Repeat("é ", 200), "a\u200bb"} {
		if got := ask[string](w, "select chat.file_preview(jsonb_build_array(jsonb_build_object('fileName', $1::text)))", text); got != chat.Preview(text) {
			t.Errorf("%q of %q, want %q", got, text, chat.Preview(text))
		}
	}
}
