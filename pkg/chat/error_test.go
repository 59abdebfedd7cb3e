package chat_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"devinbox/pkg/chat"
)

func TestAnErrorHasOneTextForTheCallerAndOneForTheLog(t *testing.T) {
	t.Parallel()
	cause := errors.New("row 7 is broken")
	e := (&chat.Error{Kind: chat.Conflict, Detail: "It was taken.", Fields: []chat.Field{{Name: "key", Message: "was taken"}}}).Because(cause)
	mustBe(t, "for the log", e.Error(), "conflict: It was taken.; key was taken: row 7 is broken")
	mustBe(t, "for the caller", e.Detail, "It was taken.")
	mustBe(t, "the cause is found", errors.Is(e, cause), true)
}

func TestACauseIsNotLeftOnASharedError(t *testing.T) {
	t.Parallel()
	with := chat.ErrNotYours.Because(errors.New("a cause"))
	if errors.Unwrap(chat.ErrNotYours) != nil || with.Kind != chat.Forbidden || with.Detail != chat.ErrNotYours.Detail {
		t.Errorf("%v, and now %v", with, chat.ErrNotYours)
	}
}

func TestWhatIsNotOursIsADefect(t *testing.T) {
	t.Parallel()
	mustBe(t, "a foreign error", chat.KindOf(errors.New("panic")), chat.Internal)
	mustBe(t, "one of ours", chat.KindOf(chat.ErrNoConversation), chat.NotFound)
	mustBe(t, "one of ours within another", chat.KindOf(fmt.Errorf("listing: %w", chat.ErrNotYours)), chat.Forbidden)
	defect := chat.Defect(errors.New("SELECT secret"))
	if defect.Kind != chat.Internal || defect.Detail != "A defect on our side. It is logged under this request's id." {
		t.Errorf("%+v", defect)
	}
}

func TestAnInvalidFieldIsBlamedByName(t *testing.T) {
	t.Parallel()
	e := chat.InvalidField("limit", "must be a number")
	if e.Kind != chat.Invalid || e.Detail != "The request cannot be read: limit must be a number." || !slices.Equal(e.Fields, []chat.Field{{Name: "limit", Message: "must be a number"}}) {
		t.Errorf("%+v", e)
	}
}
