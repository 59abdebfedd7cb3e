package pusherserver

import "encoding/json"

// user is the user that a connection is signed in as.
type user struct {
	id   string
	info json.RawMessage // an object, or nil
}

// signIn answers the frame
//
//	{"event":"pusher:signin","data":{"auth":"key:signature","user_data":"{\"id\":\"42\"}"}}
//
// A refusal leaves the connection open: if it closed, pusher-js would not reconnect.
func (s *Server) signIn(c *connection, data json.RawMessage) {
	var request struct {
		Auth     string `json:"auth"`
		UserData string `json:"user_data"`
	}
	refuse := func(message string) {
		s.options.Log.Info("sign-in refused", "socket", c.id)
		c.send(problem("", nil, message))
	}
	if json.Unmarshal(data, &request) != nil {
		refuse("Expected data with auth and user_data")
		return
	}
	if err := s.verifyAuth(request.Auth, c.id+"::user::"+request.UserData); err != nil {
		refuse(err.Error())
		return
	}
	var u struct {
		ID   string          `json:"id"`
		Info json.RawMessage `json:"user_info"`
	}
	if json.Unmarshal([]byte(request.UserData), &u) != nil || u.ID == "" {
		refuse("user_data has no id that is a text")
		return
	}
	if c.user != nil && c.user.id != u.ID {
		refuse("The connection is signed in as another user")
		return
	}
	s.hub.signIn(c, &user{u.ID, u.Info})
	c.send(internal("pusher:signin_success", "", map[string]string{"user_data": request.UserData}))
}

func (h *hub) signIn(c *connection, u *user) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.user = u
}
