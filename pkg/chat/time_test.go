package chat_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

func TestATimeIsUTCWithMilliseconds(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"2026-11-23T10:00:00.123Z": time.Date(2026, 11, 23, 10, 0, 0, 123_000_000, time.UTC),
		"2026-11-23T10:00:00.000Z": time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		"2026-11-23T10:00:00.999Z": time.Date(2026, 11, 23, 10, 0, 0, 999_999_999, time.UTC),
		"2026-11-23T08:30:00.100Z": time.Date(2026, 11, 23, 10, 0, 0, 100_000_000, time.FixedZone("", 5400)),
	} {
		text, err := chat.At(at).MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		data, err := json.Marshal(map[string]any{"value": chat.At(at), "pointer": chat.AtPointer(&at), "none": chat.AtPointer(nil), "foreign": chat.Time{Time: at}})
		if quoted := `"` + want + `"`; err != nil || string(data) != `{"foreign":`+quoted+`,"none":null,"pointer":`+quoted+`,"value":`+quoted+`}` {
			t.Errorf("%s, %v, want %s", data, err, want)
		}
	}
}

func TestATimeNeverLosesMoreThanAMillisecond(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z`)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		text, _ := chat.At(at).MarshalText()
		back, err := time.Parse(time.RFC3339Nano, string(text))
		if lost := at.Sub(back); err != nil || !form.Match(text) || lost < 0 || lost >= time.Millisecond {
			t.Errorf("%v is written as %s, %v", at, text, err)
		}
	})
}
