package chat_test

import (
	"encoding/json"
	"testing"
	"time"

	"devinbox/pkg/chat"
)

func TestAnEventKnowsItsPlaceAndItsPayload(t *testing.T) {
	t.Parallel()
	message, read, conversation := &chat.Message{}, &chat.ReadEvent{}, &chat.Conversation{}
	for _, test := range []struct {
		event   chat.Event
		place   chat.Place
		payload any
	}{
		{chat.Event{EventKey: chat.EventKey{ClientID: "42", Name: chat.NewMessage}, Message: message}, chat.Place{ClientID: "42"}, message},
		{chat.Event{EventKey: chat.EventKey{ClientID: "42", Name: chat.MessagesRead}, Read: read}, chat.Place{ClientID: "42"}, read},
		{chat.Event{EventKey: chat.EventKey{ClientID: "42", Name: chat.ConversationUpdated, ToInbox: true}, Conversation: conversation}, chat.Place{Inbox: true}, conversation},
	} {
		if place, payload := test.event.Place(), test.event.Payload(); place != test.place || payload != test.payload {
			t.Errorf("%s goes to %+v with %T", test.event.Name, place, payload)
		}
	}
}

// The names and the order of what readers parse; null stands where there is nothing.
func TestAnObjectHasEveryFieldByItsName(t *testing.T) {
	t.Parallel()
	at := chat.At(time.Date(2026, 11, 23, 10, 0, 0, 123_000_000, time.UTC))
	for want, object := range map[string]any{
		`{"id":"019a","clientId":"42","seq":17,"version":41,"sender":{"id":"ada","role":"developer","name":"Ada"},` +
			`"body":"Hello","attachments":[{"id":"019b","fileName":"a.png","mediaType":"image/png","size":7,"width":1,"height":null}],"clientMessageId":"8c","createdAt":"2026-11-23T10:00:00.123Z","editedAt":null,"deletedAt":null}`: chat.Message{
			ID: "019a", ClientID: "42", Seq: 17, Version: 41, Sender: chat.Sender{ID: "ada", Role: chat.Developer, Name: pointer("Ada")},
			Body: "Hello", Attachments: []chat.Attachment{{ID: "019b", FileName: "a.png", MediaType: "image/png", Size: 7, Width: pointer(1)}}, ClientMessageID: pointer("8c"), CreatedAt: at,
		},
		`{"clientId":"42","channel":"private-client-42","clientName":"Grace","clientEmail":null,"status":"open","assigneeId":null,"online":null,` +
			`"lastSeenAt":"2026-11-23T10:00:00.123Z","lastSeq":17,` +
			`"lastMessage":{"seq":17,"senderRole":"developer","preview":"Hello","createdAt":"2026-11-23T10:00:00.123Z"},` +
			`"read":{"client":15,"developer":17},"unread":{"client":2,"developer":0},"version":41,` +
			`"createdAt":"2026-11-23T10:00:00.123Z","updatedAt":"2026-11-23T10:00:00.123Z"}`: chat.Conversation{
			ClientID: "42", Channel: "private-client-42", ClientName: pointer("Grace"), Status: chat.Open, LastSeenAt: &at, LastSeq: 17,
			LastMessage: chat.LastMessage{Seq: 17, SenderRole: chat.Developer, Preview: "Hello", CreatedAt: at},
			Read:        chat.Marks{Client: 15, Developer: 17}, Unread: chat.Marks{Client: 2}, Version: 41, CreatedAt: at, UpdatedAt: at,
		},
		`{"clientId":"42","side":"client","upToSeq":17,"readAt":"2026-11-23T10:00:00.123Z","reader":{"id":"42","role":"client","name":null},"version":42}`: chat.ReadEvent{
			ClientID: "42", Side: chat.Client, UpToSeq: 17, ReadAt: &at, Reader: chat.Sender{ID: "42", Role: chat.Client}, Version: 42,
		},
		`{"delivered":1,"failed":2,"pending":3}`:              chat.Deliveries{Delivered: 1, Failed: 2, Pending: 3},
		`{"messages":[],"hasMore":false,"conversation":null}`: chat.MessagePage{Messages: []chat.Message{}},
		`{"status":"ok","database":{"ok":false,"writable":false},"realtime":{"enabled":false},"queue":{"pending":0,"parked":0,"oldestSeconds":0}}`: chat.Health{Status: chat.Healthy},
	} {
		data, err := json.Marshal(object)
		if err != nil || string(data) != want {
			t.Errorf("%s, %v, want\n%s", data, err, want)
		}
	}
}
