package chat_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

// Whose conversation a request may be about, whatever the request asks for.
func TestAClientHasItsOwnConversationAndADeveloperNamesOne(t *testing.T) {
	t.Parallel()
	const (
		own       = "own"       // the client's, named or not
		named     = "named"     // the one that is named
		absent    = "absent"    // one that does not exist
		forbidden = "forbidden" // and nothing told
		malformed = "malformed" // a rule is broken by clientId
	)
	for name, test := range map[string]struct {
		given             *string
		client, developer string
	}{
		"none":         {nil, own, malformed},
		"own":          {pointer("42"), own, named},
		"another":      {pointer("43"), forbidden, named},
		"missing":      {pointer("44"), forbidden, absent},
		"empty":        {pointer(""), forbidden, malformed},
		"too long":     {pointer(strings.Repeat("a", 121)), forbidden, malformed},
		"with NUL":     {pointer("4\x002"), forbidden, malformed},
		"not UTF-8":    {pointer("4\xff2"), forbidden, malformed},
		"similar":      {pointer(" 42"), forbidden, absent},
		"of a channel": {pointer("private-client-42"), forbidden, absent},
	} {
		for who, want := range map[chat.Identity]string{
			grace: test.client, ada: test.developer,
			nobody: forbidden, {ID: "42"}: forbidden, {ID: "42", Role: "admin"}: forbidden, {ID: "ada", Role: "Developer"}: forbidden,
		} {
			w := newWorld()
			_, sendErr := w.Send(t.Context(), who, chat.Draft{ClientID: test.given, Body: "Hello"})
			_, readErr := w.MarkRead(t.Context(), who, chat.ReadMark{ClientID: test.given, UpToSeq: pointer[int64](1)})
			_, listErr := w.Messages(t.Context(), who, test.given, chat.MessageQuery{Limit: 50})
			asked := len(w.store.sends) + len(w.store.reads) + len(w.store.lists)
			for call, err := range map[string]error{"send": sendErr, "read": readErr, "list": listErr} {
				ok := false
				switch want {
				case own, named:
					ok = err == nil
				case absent:
					ok = chat.KindOf(err) == chat.NotFound
				case forbidden:
					ok = err == error(chat.ErrNotYours) && asked == 0
				case malformed:
					kind := chat.Unprocessable
					if call == "list" { // where it is a query's parameter
						kind = chat.Invalid
					}
					ok = chat.KindOf(err) == kind && blamed(err) == "clientId" && asked == 0
				}
				if !ok {
					t.Errorf("%s by %s %q, client %s: %v", call, who.Role, who.ID, name, err)
				}
			}
			if want == own || want == named {
				id := "42"
				if want == named {
					id = *test.given
				}
				if w.store.sends[0].ClientID != id || w.store.reads[0].ClientID != id || w.store.lists[0].ClientID != id {
					t.Errorf("client %s by %s: the Store is asked about another one", name, who.Role)
				}
			}
		}
	}
}

func TestEveryBrokenRuleIsNamedAtOnceAndNothingIsSaved(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	for name, test := range map[string]struct {
		who   chat.Identity
		draft chat.Draft
		want  string
	}{
		"all of them":        {ada, chat.Draft{ClientMessageID: pointer("")}, "clientId body clientMessageId"},
		"a bad id":           {ada, chat.Draft{ClientID: pointer(canary + "\n"), Body: canary + "\x00", ClientMessageID: pointer(canary + "é")}, "clientId body clientMessageId"},
		"those of the body":  {ada, chat.Draft{ClientID: pointer("42"), Body: strings.Repeat(canary+"\x01", 2000)}, "body body"},
		"those of a client":  {grace, chat.Draft{Body: " ", ClientMessageID: pointer(strings.Repeat(canary, 20))}, "body clientMessageId"},
		"another client's":   {grace, chat.Draft{ClientID: pointer("43"), Body: ""}, ""}, // whose it is comes first
		"of one that is not": {ada, chat.Draft{ClientID: pointer("44"), Body: ""}, "body"},
	} {
		w := newWorld()
		_, err := w.Send(t.Context(), test.who, test.draft)
		kind := chat.Unprocessable
		if test.want == "" {
			kind = chat.Forbidden
		}
		if chat.KindOf(err) != kind || blamed(err) != test.want || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		mustBe(t, name+": the trace", w.trace.take(), "")
	}

	for name, test := range map[string]struct {
		mark chat.ReadMark
		want string
	}{
		"all of them": {chat.ReadMark{}, "clientId upToSeq"},
		"a bad id":    {chat.ReadMark{ClientID: pointer("\x00"), UpToSeq: pointer[int64](-1)}, "clientId upToSeq"},
		"no seq":      {chat.ReadMark{ClientID: pointer("42")}, "upToSeq"},
	} {
		w := newWorld()
		if _, err := w.MarkRead(t.Context(), ada, test.mark); chat.KindOf(err) != chat.Unprocessable || blamed(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		mustBe(t, name+": the trace", w.trace.take(), "")
	}
}

func TestASendAsksTheStoreForWhatWasChecked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if _, err := w.Send(t.Context(), grace, chat.Draft{Body: " \r\n a\r\n\r\nb ", ClientMessageID: pointer("8c"), SocketID: pointer("12.34")}); err != nil {
		t.Fatal(err)
	}
	p := w.store.sends[0]
	mustBe(t, "the key", *p.ClientMessageID, "8c")
	p.ClientMessageID = nil
	if want := (chat.SendParams{
		ClientID: "42", Sender: grace, Body: " a\n\nb", Preview: "a b", Create: true, Live: true, ExceptSocket: "12.34", Limit: limit,
	}); !reflect.DeepEqual(p, want) {
		t.Errorf("%+v, want %+v", p, want)
	}
}

func TestOnlyClientsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Send(t.Context(), grace, chat.Draft{Body: "Hello"})
	w.Send(t.Context(), ada, chat.Draft{ClientID: pointer("42"), Body: "Hello"})
	mustBe(t, "a client's limit", w.store.sends[0].Limit, limit)
	mustBe(t, "a developer's limit", w.store.sends[1].Limit, chat.RateLimit{})
}

func TestAClientBeginsItsConversationAndADeveloperOnlyWhenAskedTo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	newcomer := chat.Identity{ID: "44", Role: chat.Client}
	if sent, err := w.Send(t.Context(), newcomer, chat.Draft{Body: "Hello"}); err != nil || sent.Message.Seq != 1 || sent.Conversation.ClientID != "44" {
		t.Errorf("%+v, %v", sent, err)
	}
	if _, err := w.Send(t.Context(), ada, chat.Draft{ClientID: pointer("45"), Body: "Hello"}); err != error(chat.ErrNoConversation) {
		t.Errorf("unasked: %v", err)
	}
	if sent, err := w.Send(t.Context(), ada, chat.Draft{ClientID: pointer("45"), Body: "Hello", Create: true}); err != nil || sent.Message.Seq != 1 {
		t.Errorf("asked: %+v, %v", sent, err)
	}
}

// A client whose id does not fit is nobody's identity, so only what a developer begins is looked at.
func TestAConversationThatCanHaveNoChannelIsNotBegun(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100)
	for name, test := range map[string]struct {
		draft chat.Draft
		want  string
	}{
		"begun":                    {chat.Draft{ClientID: &long, Body: "Hello", Create: true}, "clientId"},
		"begun, with other faults": {chat.Draft{ClientID: &long, Create: true}, "body clientId"},
		"not begun":                {chat.Draft{ClientID: &long, Body: "Hello"}, ""},
		"one that fits":            {chat.Draft{ClientID: pointer(long[1:]), Body: "Hello", Create: true}, ""},
		"none named":               {chat.Draft{Body: "Hello", Create: true}, "clientId"}, // once
	} {
		w := newWorld()
		_, err := w.Send(t.Context(), ada, test.draft)
		if blamed(err) != test.want || test.want != "" && len(w.store.sends) > 0 {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestWhatTheStoreRefusesIsTheAnswerAndNothingIsAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.fail["Send"] = errors.New("a failure")
	if sent, err := w.Send(t.Context(), grace, chat.Draft{Body: "Hello"}); err != w.store.fail["Send"] || !reflect.DeepEqual(sent, chat.Sent{}) {
		t.Errorf("%+v, %v", sent, err)
	}
	mustBe(t, "a send's trace", w.trace.take(), "send")

	none := chat.Identity{ID: "44", Role: chat.Client}
	if read, err := w.MarkRead(t.Context(), none, chat.ReadMark{UpToSeq: pointer[int64](1)}); err != error(chat.ErrNoConversation) || read != (chat.Read{}) {
		t.Errorf("%+v, %v", read, err)
	}
	mustBe(t, "a read mark's trace", w.trace.take(), "read")

	w.store.fail["ListMessages"] = errors.New("a failure")
	if page, err := w.Messages(t.Context(), grace, nil, chat.MessageQuery{}); err != w.store.fail["ListMessages"] || page.Messages != nil {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestAReadMarkIsOfTheReadersSide(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.conversations["42"] = &chat.Conversation{ClientID: "42", LastSeq: 9, Unread: chat.Marks{Client: 3, Developer: 5}}
	for _, test := range []struct {
		who          chat.Identity
		upTo         int64
		want, unread int64
		announced    string
		version      int64
		side         chat.Role
	}{
		{grace, 7, 7, 3, "read, publish 2, acknowledge 2+0", 1, chat.Client},
		{ada, 1 << 62, 9, 5, "read, publish 2, acknowledge 2+0", 2, chat.Developer},
		{grace, 7, 7, 3, "read", 2, chat.Client}, // what does not move is not announced
		{grace, 0, 7, 3, "read", 2, chat.Client},
	} {
		read, err := w.MarkRead(t.Context(), test.who, chat.ReadMark{ClientID: pointer("42"), UpToSeq: &test.upTo})
		if err != nil || read.ClientID != "42" || read.Side != test.side || read.UpToSeq != test.want || read.Unread != test.unread || read.Conversation.Version != test.version {
			t.Errorf("up to %d: %+v, %v", test.upTo, read, err)
		}
		mustBe(t, "the trace", w.trace.take(), test.announced)
	}
}

func TestOneWithoutAConversationReadsAnEmptyPage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	none := chat.Identity{ID: "44", Role: chat.Client}
	if page, err := w.Messages(t.Context(), none, nil, chat.MessageQuery{Limit: 50}); err != nil || page.Messages == nil || len(page.Messages) > 0 || page.Conversation != nil {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := w.Messages(t.Context(), ada, pointer("44"), chat.MessageQuery{Limit: 50}); err != error(chat.ErrNoConversation) {
		t.Errorf("a developer: %v", err)
	}
	before := int64(7)
	if _, err := w.Messages(t.Context(), grace, nil, chat.MessageQuery{ClientID: "43", Before: &before, Limit: 50}); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "what the Store is asked", w.store.lists[2], chat.MessageQuery{ClientID: "42", Before: &before, Limit: 50})
}

func TestEveryConversationThatLeavesHasItsChannel(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.due = leftBehind(1)
	sent, _ := w.Send(t.Context(), grace, chat.Draft{Body: "Hello"})
	read, _ := w.MarkRead(t.Context(), ada, chat.ReadMark{ClientID: pointer("42"), UpToSeq: pointer[int64](1)})
	page, _ := w.Messages(t.Context(), ada, pointer("43"), chat.MessageQuery{})
	for what, c := range map[string]chat.Conversation{"a send": sent.Conversation, "a read mark": read.Conversation, "a page": *page.Conversation} {
		mustBe(t, what, c.Channel, "channel of "+c.ClientID)
	}
	told := 0
	for _, e := range w.publisher.published {
		if e.Conversation != nil {
			told++
			mustBe(t, "an event", e.Conversation.Channel, "channel of "+e.Conversation.ClientID)
		}
	}
	mustBe(t, "events with a conversation", told, 3)
}
