package chat

// Status says whether a conversation is open or closed. A client's message reopens a closed one.
type Status string

// The two states of a conversation.
const (
	Open   Status = "open"
	Closed Status = "closed"
)

// Conversation is one client's thread without its messages: one line of the inbox.
type Conversation struct {
	ClientID    string      `json:"clientId"`
	Channel     string      `json:"channel"` // the name of its channel; filled in by [Service]
	ClientName  *string     `json:"clientName"`
	ClientEmail *string     `json:"clientEmail"`
	Status      Status      `json:"status"`
	AssigneeID  *string     `json:"assigneeId"`
	Online      *bool       `json:"online"`     // nil if presence is not kept
	LastSeenAt  *Time       `json:"lastSeenAt"` // the client's last send or read
	LastSeq     int64       `json:"lastSeq"`
	LastMessage LastMessage `json:"lastMessage"`
	Read        Marks       `json:"read"`
	Unread      Marks       `json:"unread"`
	Version     int64       `json:"version"` // +1 at every change of anything that a reader could show
	CreatedAt   Time        `json:"createdAt"`
	UpdatedAt   Time        `json:"updatedAt"`
}

// LastMessage is the newest message of a conversation, shortened.
type LastMessage struct {
	Seq        int64  `json:"seq"`
	SenderRole Role   `json:"senderRole"`
	Preview    string `json:"preview"`
	CreatedAt  Time   `json:"createdAt"`
}

// Marks is one number for each side: the highest seq it has read, or how many it has not read.
type Marks struct {
	Client    int64 `json:"client"`
	Developer int64 `json:"developer"`
}

// Of is the number of one side.
func (m Marks) Of(side Role) int64 {
	if side == Client {
		return m.Client
	}
	return m.Developer
}
