package chat_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

var picture = chat.AttachmentDraft{FileName: pointer("a.png"), MediaType: pointer("image/png"), Size: pointer[int64](7), Width: pointer(3), Height: pointer(2)}

func TestAFileIsKeptAsItIsShownAndItsAddressIsForThatOne(t *testing.T) {
	t.Parallel()
	w := newWorld()
	begun, err := w.BeginAttachment(t.Context(), grace, picture)
	want := chat.Attachment{ID: fileID(1), FileName: "a.png", MediaType: "image/png", Size: 7, Width: pointer(3), Height: pointer(2)}
	if err != nil || !reflect.DeepEqual(begun.Attachment, want) || begun.Upload.URL != "upload of "+w.store.begun[0].Key {
		t.Errorf("%+v, %v", begun, err)
	}
	p := w.store.begun[0]
	mustBe(t, "whose", p.ClientID, "42")
	mustBe(t, "by the client", p.ByClient, true)
	mustBe(t, "the limit", p.MostUnsent, 20)
	mustBe(t, "the day's limit", p.DailyBytes, 200<<20)
	mustBe(t, "the trace", w.trace.take(), "begin")

	_, err = w.BeginAttachment(t.Context(), ada, picture)
	mustBe(t, "a developer without a conversation", blamed(err), "clientId")
	for _, who := range []chat.Identity{nobody, grace} {
		other := picture
		other.ClientID = pointer("43")
		if _, err := w.BeginAttachment(t.Context(), who, other); err != error(chat.ErrNotYours) {
			t.Errorf("%+v: %v", who, err)
		}
	}
	w.files.disabled = true
	_, err = w.BeginAttachment(t.Context(), grace, chat.AttachmentDraft{})
	mustBe(t, "without a store", chat.KindOf(err), chat.Unavailable)
	_, err = w.AttachmentLinks(t.Context(), grace, nil, []string{fileID(1)})
	mustBe(t, "without a store", chat.KindOf(err), chat.Unavailable)
	mustBe(t, "the trace", w.trace.take(), "")
}

func TestAKeyTellsNothingAndIsNobodyElses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	keys := map[string]bool{}
	for range 1000 {
		if _, err := w.BeginAttachment(t.Context(), grace, picture); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range w.store.begun {
		keys[p.Key] = true
		if !chat.IsObjectKey("42", p.Key) || chat.IsObjectKey("43", p.Key) || !strings.HasPrefix(p.Key, chat.ObjectPrefix("42")) || strings.Contains(p.Key, "a.png") {
			t.Fatalf("%s", p.Key)
		}
	}
	if len(keys) != 1000 {
		t.Errorf("%d keys of 1000 files", len(keys))
	}
	for _, wrong := range []string{"", "clients/", chat.ObjectPrefix("42"), chat.ObjectPrefix("42") + "../" + strings.Repeat("a", 29), chat.ObjectPrefix("42") + strings.Repeat("a", 33), chat.ObjectPrefix("42") + strings.Repeat("a", 31) + "\n"} {
		if chat.IsObjectKey("42", wrong) {
			t.Errorf("%q is a key", wrong)
		}
	}
}

func TestAFilesNameIsTheLastOfAPathAsItCanBeSeen(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a.png": "a.png", "/etc/passwd": "passwd", `C:\a\b.txt`: "b.txt", `a/b\c`: "c", "../..": "..", "a/": "", `a\`: "",
		"invoice\u202efdp.exe": "invoicefdp.exe", "\u2066a\u2069": "a", "a\u200bb\ufeff\u00ad.txt": "ab.txt", "\u200e\u200f": "",
		" a \u3000": "a", "two  blanks.txt": "two  blanks.txt", "e\u0301.txt": "e\u0301.txt", "\U0001f469\u200d\U0001f680.png": "\U0001f469\u200d\U0001f680.png",
		"a\x00b": "a\x00b", // for a rule to refuse
	} {
		if got := chat.CleanFileName(given); got != want || chat.CleanFileName(got) != got {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestOfAFileThatIsNoImageThePixelsAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for mediaType, kept := range map[string]bool{"image/svg+xml": true, "IMAGE/PNG": true, "video/mp4": false, "imagex/png": false} {
		draft := picture
		draft.MediaType = &mediaType
		begun, err := w.BeginAttachment(t.Context(), grace, draft)
		if err != nil || (begun.Attachment.Width != nil) != kept || (begun.Attachment.Height != nil) != kept || begun.Attachment.MediaType != strings.ToLower(mediaType) {
			t.Errorf("%s: %+v, %v", mediaType, begun.Attachment, err)
		}
	}
}

func TestTheStoreIsAskedForFilesOnlyWhereItsAnswerCounts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.publisher.disabled = true
	ids := []string{}
	for range 3 {
		begun, err := w.BeginAttachment(t.Context(), grace, picture)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, begun.Attachment.ID)
	}
	w.files.objects[w.store.begun[0].Key] = 7
	w.files.objects[w.store.begun[1].Key] = 8
	w.trace.take()
	send := func(key string, ids ...string) error {
		_, err := w.Send(t.Context(), grace, chat.Draft{AttachmentIDs: ids, ClientMessageID: &key})
		return err
	}
	if err := send("k", ids...); err != nil {
		t.Error(err)
	}
	mustBe(t, "the trace", w.trace.take(), "find 3, ask 3, send")
	p := w.store.sends[0]
	if *p.Sizes[0] != 7 || *p.Sizes[1] != 8 || p.Sizes[2] != nil || !slices.Equal(p.AttachmentIDs, ids) {
		t.Errorf("%+v", p)
	}

	w.files.fail = errors.New("the store does not answer")
	if err := send("k", ids...); err != nil { // a repetition
		t.Error(err)
	}
	mustBe(t, "a repetition", w.trace.take(), "find 3, send")
	if err := send("l", ids[0], fileID(9)); err != nil { // one that is not there is for the Store to refuse
		t.Error(err)
	}
	mustBe(t, "one that is not there", w.trace.take(), "find 2, send")
	if err := send("m", strings.ToUpper(ids[0])); err != w.files.fail {
		t.Error(err)
	}
	mustBe(t, "a store that does not answer", w.trace.take(), "find 1, ask 1")
	w.files.disabled = true
	mustBe(t, "without a store", chat.KindOf(send("n", ids[0])), chat.Unavailable)
	mustBe(t, "without a store", w.trace.take(), "find 1")
	w.store.fail["FindUploads"] = errors.New("a failure")
	if err := send("o", ids[0]); err != w.store.fail["FindUploads"] {
		t.Error(err)
	}
	mustBe(t, "the trace", w.trace.take(), "find 1")
}

func TestWhatIsDueIsDeletedUntilNothingIsOrNothingCanBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		due     int
		keeps   int // of each batch
		fail    string
		deleted int
		trace   string
	}{
		{"nothing", 0, 0, "", 0, "due 100"},
		{"a few", 3, 0, "", 3, "due 100, delete 3, settle 3+0, due 100"},
		{"more than a batch", 150, 0, "", 150, "due 100, delete 100, settle 100+0, due 100, delete 50, settle 50+0, due 100"},
		{"one that stays", 3, 1, "", 2, "due 100, delete 3, settle 2+1, due 100"},
		{"a store that is down", 150, 100, "", 0, "due 100, delete 100, settle 0+100"},
		{"a database that fails", 3, 0, "DueObjects", 0, "due 100"},
		{"a database that fails afterwards", 3, 0, "SettleObjects", 0, "due 100, delete 3, settle 3+0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			for i := range test.due {
				w.store.doomed = append(w.store.doomed, fmt.Sprint("key ", i))
			}
			w.files.keeps = test.keeps
			if test.fail != "" {
				w.store.fail[test.fail] = errors.New("a failure")
			}
			deleted, err := w.DeleteFiles(t.Context())
			mustBe(t, "deleted", deleted, test.deleted)
			mustBe(t, "it fails", err != nil, test.fail != "")
			mustBe(t, "the trace", w.trace.take(), test.trace)
			mustBe(t, "it is logged", strings.Contains(w.log.String(), "could not be deleted"), test.keeps > 0)
		})
	}
	w := newWorld()
	w.files.disabled = true
	w.store.doomed = []string{"key"}
	w.DeleteFiles(t.Context())
	mustBe(t, "without a store", w.trace.take(), "")
}
