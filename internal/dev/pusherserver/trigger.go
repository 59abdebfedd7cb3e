package pusherserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of https://pusher.com/docs/channels/library_auth_reference/rest-api/ and of Pusher's shared clusters.
const (
	maxDataBytes   = 10 << 10 // of an event's data, which is a string
	maxEventName   = 200      // characters
	maxChannels    = 100      // of one event
	maxBatch       = 10       // events
	maxUserIDBytes = 200      // of a user's id, in the name of its channel
)

var socketID = regexp.MustCompile(`\A\d+\.\d+\z`)

// event is an event as it is posted: alone to several channels or one, or in a batch to one.
type event struct {
	Name     *string  `json:"name"`
	Data     *string  `json:"data"`
	Channel  *string  `json:"channel"`
	Channels []string `json:"channels"`
	SocketID *string  `json:"socket_id"`
	Info     string   `json:"info"`
}

// check reports what is wrong with an event; if nothing is, it returns the event once for each channel.
func (e event) check() ([]Event, error) {
	channels := e.Channels
	if e.Channel != nil {
		channels = append(channels, *e.Channel)
	}
	switch {
	case e.Name == nil || *e.Name == "":
		return nil, bad("Missing required parameter: name")
	case e.Data == nil:
		return nil, bad("Missing required parameter: data")
	case len(channels) == 0:
		return nil, bad("Missing required parameter: channel")
	case len(channels) > maxChannels:
		return nil, bad("An event goes to %d channels at most", maxChannels)
	case utf8.RuneCountInString(*e.Name) > maxEventName:
		return nil, bad("The name of an event has at most %d characters", maxEventName)
	case strings.HasPrefix(*e.Name, prefixPusher) || strings.HasPrefix(*e.Name, prefixInternal):
		return nil, bad("The prefixes %s and %s are Pusher's own", prefixPusher, prefixInternal)
	case len(*e.Data) > maxDataBytes:
		return nil, &apiError{http.StatusRequestEntityTooLarge, fmt.Sprintf("The data content of this event exceeds the allowed maximum (%d bytes)", maxDataBytes)}
	case e.SocketID != nil && !socketID.MatchString(*e.SocketID):
		return nil, bad("Invalid socket_id")
	}
	var excluded string
	if e.SocketID != nil {
		excluded = *e.SocketID
	}
	events := make([]Event, len(channels))
	for i, channel := range channels {
		user, isUser := strings.CutPrefix(channel, prefixUser)
		if isUser && (user == "" || len(user) > maxUserIDBytes) || !isUser && !channelName.MatchString(channel) {
			return nil, bad("Invalid channel name")
		}
		if err := checkInfo(e.Info, channel); err != nil {
			return nil, err
		}
		events[i] = Event{Channel: channel, Name: *e.Name, Data: *e.Data, SocketID: excluded}
	}
	return events, nil
}

func (s *Server) trigger(r apiCall) (any, error) {
	var e event
	if err := json.Unmarshal(r.body, &e); err != nil {
		return nil, notJSON(err)
	}
	events, err := e.check()
	if err != nil {
		return nil, err
	}
	s.hub.publish(events)
	if e.Info == "" {
		return struct{}{}, nil
	}
	states := map[string]state{}
	for _, published := range events {
		states[published.Channel], _ = s.hub.state(published.Channel, e.Info)
	}
	return map[string]any{"channels": states}, nil
}

// triggerBatch publishes all events or, if one is wrong, none.
func (s *Server) triggerBatch(r apiCall) (any, error) {
	var request struct {
		Batch []event `json:"batch"`
	}
	if err := json.Unmarshal(r.body, &request); err != nil {
		return nil, notJSON(err)
	}
	switch {
	case len(request.Batch) == 0:
		return nil, bad("Missing required parameter: batch")
	case len(request.Batch) > maxBatch:
		return nil, bad("A batch has at most %d events", maxBatch)
	}
	var all []Event
	asked := false
	for _, e := range request.Batch {
		if len(e.Channels) > 0 {
			return nil, bad("An event of a batch goes to one channel")
		}
		events, err := e.check()
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
		asked = asked || e.Info != ""
	}
	s.hub.publish(all)
	if !asked {
		return struct{}{}, nil
	}
	states := make([]state, len(all))
	for i, e := range request.Batch {
		states[i], _ = s.hub.state(*e.Channel, e.Info)
	}
	return map[string]any{"batch": states}, nil
}

func notJSON(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && mistyped.Field != "" {
		return bad("Wrong type of parameter: %s", mistyped.Field)
	}
	return bad("The body is not a JSON object")
}
