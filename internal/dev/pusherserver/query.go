package pusherserver

import (
	"maps"
	"slices"
	"strings"
)

// state is what a query returns about a channel: only what was asked for.
type state struct {
	Occupied          *bool `json:"occupied,omitempty"`
	UserCount         *int  `json:"user_count,omitempty"`
	SubscriptionCount *int  `json:"subscription_count,omitempty"`
}

// checkInfo says whether an info parameter names only attributes that a channel has.
func checkInfo(info, channel string) error {
	if info == "" {
		return nil
	}
	for name := range strings.SplitSeq(info, ",") {
		switch {
		case name != "user_count" && name != "subscription_count":
			return bad("Unknown attribute in info: it may name user_count and subscription_count")
		case name == "user_count" && !isPresence(channel):
			return bad("user_count is only for presence channels")
		case name == "subscription_count" && isPresence(channel):
			return bad("subscription_count is not for presence channels")
		}
	}
	return nil
}

// state returns the attributes of a channel that a checked info asks for, and whether it is occupied.
func (h *hub) state(channel, info string) (state, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stateLocked(channel, info)
}

func (h *hub) stateLocked(name, info string) (st state, occupied bool) {
	ch := h.channels[name]
	if ch == nil {
		ch = &channel{}
	}
	names := strings.Split(info, ",")
	if slices.Contains(names, "user_count") {
		st.UserCount = new(len(ch.members))
	}
	if slices.Contains(names, "subscription_count") {
		st.SubscriptionCount = new(len(ch.subscribers))
	}
	return st, len(ch.subscribers) > 0
}

// states returns the states of the occupied channels whose names begin with prefix.
func (h *hub) states(prefix, info string) map[string]state {
	h.mu.Lock()
	defer h.mu.Unlock()
	states := map[string]state{}
	for name := range h.channels {
		if strings.HasPrefix(name, prefix) && !isUsers(name) {
			states[name], _ = h.stateLocked(name, info)
		}
	}
	return states
}

func (s *Server) listChannels(r apiCall) (any, error) {
	prefix, info := r.query["filter_by_prefix"], r.query["info"]
	// An attribute must exist for every channel that the prefix selects.
	if info != "" && (info != "user_count" || !isPresence(prefix)) {
		return nil, bad("info may be user_count, with a filter_by_prefix that begins with presence-")
	}
	return map[string]any{"channels": s.hub.states(prefix, info)}, nil
}

// describeChannel answers for every channel name that is valid, occupied or not.
func (s *Server) describeChannel(r apiCall) (any, error) {
	channel, info := r.PathValue("channel"), r.query["info"]
	if !channelName.MatchString(channel) {
		return nil, bad("Invalid channel name")
	}
	if err := checkInfo(info, channel); err != nil {
		return nil, err
	}
	st, occupied := s.hub.state(channel, info)
	st.Occupied = &occupied
	return st, nil
}

func (s *Server) listUsers(r apiCall) (any, error) {
	channel := r.PathValue("channel")
	if !channelName.MatchString(channel) || !isPresence(channel) {
		return nil, bad("Users can only be retrieved for presence channels")
	}
	type user struct {
		ID string `json:"id"`
	}
	users := []user{}
	for _, id := range s.hub.members(channel) {
		users = append(users, user{id})
	}
	return map[string]any{"users": users}, nil
}

// members returns the ids of the members of a presence channel, sorted.
func (h *hub) members(channel string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ch := h.channels[channel]; ch != nil {
		return slices.Sorted(maps.Keys(ch.members))
	}
	return nil
}
