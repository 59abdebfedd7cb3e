package chat

import (
	"context"
	"regexp"
)

// Edit is a request to replace the body of a message.
type Edit struct {
	ClientID  *string `json:"clientId"`
	MessageID *string `json:"messageId"`
	Body      *string `json:"body"`      // required; it may be empty if the message has files
	IfVersion *int64  `json:"ifVersion"` // the edit is refused if the message has another version by now
}

// Deletion is a request to delete a message's text and files. The message keeps its place (its seq).
type Deletion struct {
	ClientID  *string `json:"clientId"`
	MessageID *string `json:"messageId"`
}

// Changed is the answer to an edit or a deletion.
type Changed struct {
	Message      Message      `json:"message"`
	Conversation Conversation `json:"conversation"`
}

// EditMessage replaces a message's body. Only its sender may. The same body again changes nothing.
// Errors: Forbidden for another's conversation or message; Unprocessable with every broken rule; and those of
// [Store.ChangeMessage].
func (s *Service) EditMessage(ctx context.Context, me Identity, e Edit) (Changed, error) {
	var broken faults
	var body string
	if e.Body == nil {
		broken.add("body", "is required")
	} else {
		body = NormalizeBody(*e.Body)
		checkBody(body, true, &broken) // only the Store knows whether the message has files
	}
	return s.change(ctx, me, e.ClientID, e.MessageID, broken, ChangeParams{Body: &body, Preview: Preview(body), IfVersion: e.IfVersion, Limit: s.limitFor(me)})
}

// DeleteMessage deletes a message's text and files. Its sender may, and every developer. Deleting again changes nothing.
// Errors: as those of EditMessage.
func (s *Service) DeleteMessage(ctx context.Context, me Identity, d Deletion) (Changed, error) {
	return s.change(ctx, me, d.ClientID, d.MessageID, nil, ChangeParams{})
}

// change makes the change that p holds, of the message that the other arguments name.
func (s *Service) change(ctx context.Context, me Identity, clientID, messageID *string, broken faults, p ChangeParams) (Changed, error) {
	var named faults
	conversation, err := me.conversation(clientID, &named)
	if err != nil {
		return Changed{}, err
	}
	checkMessageID(messageID, &named)
	if len(named) > 0 && len(broken) == 0 && p.Body != nil && *p.Body == "" { // it names no message that could have files
		broken.add("body", emptyBody)
	}
	if err := append(named, broken...).err(); err != nil {
		return Changed{}, err
	}
	p.ClientID, p.MessageID, p.By, p.Live = conversation, *messageID, me, s.publisher.Enabled()
	saved, _, err := saveAndAnnounce(ctx, s, s.store.ChangeMessage, p)
	if err != nil {
		return Changed{}, err
	}
	return Changed{saved.Message, saved.Conversation}, nil
}

// uuidForm is that of a UUID (RFC 9562, section 4).
var uuidForm = regexp.MustCompile(`\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z`)

func checkMessageID(id *string, f *faults) {
	if id == nil {
		f.add("messageId", "is required")
	} else if !uuidForm.MatchString(*id) {
		f.add("messageId", "must be the id of a message, a UUID")
	}
}
