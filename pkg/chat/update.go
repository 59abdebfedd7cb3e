package chat

import (
	"context"
	"encoding/json"
)

// Update is a request to close or reopen a conversation, to assign it to a developer or to nobody, or to name its client.
// What is nil stays as it is.
type Update struct {
	ClientID   *string   `json:"clientId"`
	Status     *Status   `json:"status"`
	AssigneeID Clearable `json:"assigneeId"`
	ClientName *string   `json:"clientName"` // see [CleanName]; from then on tokens do not overwrite it
	SocketID   *string   `json:"socketId"`
}

// Clearable is a text that can be left as it is, changed, or cleared by a null.
type Clearable struct {
	Given bool
	Value *string // nil clears
}

// UnmarshalJSON reads a string or null.
func (c *Clearable) UnmarshalJSON(text []byte) error {
	c.Given = true
	return json.Unmarshal(text, &c.Value)
}

// Updated is the answer to an update.
type Updated struct {
	Conversation Conversation `json:"conversation"`
}

// Unassigned is the assignee that an inbox is asked for to see the conversations of nobody. It cannot be assigned.
const Unassigned = "none"

// UpdateConversation changes a conversation's status, assignee or client name. If nothing would change, nothing is committed.
// Errors: Forbidden for everybody except developers; Unprocessable with every broken rule; and those of
// [Store.UpdateConversation].
func (s *Service) UpdateConversation(ctx context.Context, me Identity, u Update) (Updated, error) {
	if err := me.RequireDeveloper(); err != nil {
		return Updated{}, err
	}
	var broken faults
	clientID, err := me.conversation(u.ClientID, &broken)
	if err != nil {
		return Updated{}, err
	}
	if u.Status != nil && *u.Status != Open && *u.Status != Closed {
		broken.add("status", "must be open or closed")
	}
	if id := u.AssigneeID.Value; id != nil && (!ValidID(*id) || *id == Unassigned) {
		broken.add("assigneeId", "must be the id of a developer, or null for nobody")
	}
	if u.ClientName != nil {
		name := CleanName(*u.ClientName)
		u.ClientName = &name
		if name == "" {
			broken.add("clientName", "must hold something that can be seen")
		}
	}
	if err := broken.err(); err != nil {
		return Updated{}, err
	}
	saved, _, err := saveAndAnnounce(ctx, s, s.store.UpdateConversation, UpdateParams{
		ClientID:     clientID,
		By:           me,
		Status:       u.Status,
		Assign:       u.AssigneeID.Given,
		AssigneeID:   u.AssigneeID.Value,
		ClientName:   u.ClientName,
		Live:         s.publisher.Enabled(),
		ExceptSocket: socket(u.SocketID),
	})
	if err != nil {
		return Updated{}, err
	}
	return Updated{saved.Conversation}, nil
}
