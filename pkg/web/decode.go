package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"devinbox/pkg/chat"
)

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// maxFieldName is how many code points of an unknown field's name are repeated to the caller.
const maxFieldName = 64

// Decode reads the body of a request, which must be one JSON object. A field that is null counts as absent.
// Errors, in this order: UnsupportedMediaType; those of [ReadBody]; Invalid for any query parameter, for what
// is not JSON (RFC 8259, in valid UTF-8 and without lone surrogates), and for a field that is unknown,
// doubled, of another case or of a wrong type; these errors name the field.
func Decode[T any](r *http.Request) (T, error) {
	var into T
	if _, err := mediaType(r, mediaJSON); err != nil {
		return into, err
	}
	body, err := ReadBody(r)
	if err != nil {
		return into, err
	}
	if err := ParseQuery(r).Err(); err != nil {
		return into, err
	}
	return into, DecodeObject(body, &into)
}

// DecodeForm reads parameters that a request posts as a form, as pusher-js does, or as one JSON object of
// strings. Parameters that are not posted are absent from the map.
// Errors: those of [Decode]; Invalid for a parameter that is not among names, or is there twice.
func DecodeForm(r *http.Request, names ...string) (map[string]string, error) {
	media, err := mediaType(r, mediaForm, mediaJSON)
	if err != nil {
		return nil, err
	}
	body, err := ReadBody(r)
	if err != nil {
		return nil, err
	}
	if err := ParseQuery(r).Err(); err != nil {
		return nil, err
	}
	if media == mediaForm {
		return decodeParameters(string(body), names)
	}
	var given map[string]*string
	if err := DecodeObject(body, &given); err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for name, value := range given {
		if !slices.Contains(names, name) {
			return nil, unknown(name)
		}
		if value != nil {
			parameters[name] = *value
		}
	}
	return parameters, nil
}

// mediaType returns the media type of a request's body.
// Errors: UnsupportedMediaType if it is not one of those allowed.
func mediaType(r *http.Request, allowed ...string) (string, error) {
	given := r.Header.Values("Content-Type")
	encoding := r.Header.Get("Content-Encoding")
	if len(given) == 1 && (encoding == "" || encoding == "identity") {
		media, parameters, err := mime.ParseMediaType(given[0])
		charset := parameters["charset"]
		if err == nil && slices.Contains(allowed, media) && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return media, nil
		}
	}
	return "", chat.Fail(UnsupportedMediaType, "The body must be "+strings.Join(allowed, " or ")+", in UTF-8 and not compressed.")
}

// RequireJSON makes the checks of [Decode] that do not need the body. It is for a request whose body is decoded
// elsewhere, after its signature was verified. Errors: UnsupportedMediaType; Invalid for any query parameter.
func RequireJSON(r *http.Request) error {
	if _, err := mediaType(r, mediaJSON); err != nil {
		return err
	}
	return ParseQuery(r).Err()
}

// DecodeObject reads a text that must be one JSON object into a struct or a map, as [Decode] reads a body.
// Errors: Invalid for what is not JSON, and for a field that is unknown, doubled, of another case or of a wrong type;
// these errors name the field.
func DecodeObject(body []byte, into any) error {
	if kind := jsontext.Value(body).Kind(); kind != '{' {
		return chat.Fail(chat.Invalid, "The body must be a JSON object.")
	}
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	var pointer jsontext.Pointer
	message := "has the wrong type or is out of range"
	switch {
	case errors.As(err, &syntactic):
		pointer, message = syntactic.JSONPointer, "is not valid JSON"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			message = "stands there more than once"
		}
	case errors.As(err, &semantic):
		pointer = semantic.JSONPointer
		if errors.Is(err, json.ErrUnknownName) {
			return unknown(field(pointer))
		}
	}
	if name := field(pointer); name != "" {
		return chat.InvalidField(shown(name), message)
	}
	return chat.Fail(chat.Invalid, "The body is not valid JSON.")
}

// field returns the name of the top-level field that a pointer leads into.
func field(pointer jsontext.Pointer) string {
	for name := range pointer.Tokens() {
		return name
	}
	return ""
}

func unknown(name string) error { return chat.InvalidField(shown(name), "is not known") }

// shown returns the name of an unknown field in a form that may be repeated: valid and not too long.
func shown(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if runes := []rune(name); len(runes) > maxFieldName {
		return string(runes[:maxFieldName]) + "…"
	}
	return name
}

// decodeParameters reads name=value pairs joined with &. Each name must be among names, and be there once.
func decodeParameters(encoded string, names []string) (map[string]string, error) {
	parameters := map[string]string{}
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		escapedName, escapedValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		if err != nil || !utf8.ValidString(name) {
			return nil, chat.Fail(chat.Invalid, "The name of a parameter is not escaped properly.")
		}
		if !slices.Contains(names, name) {
			return nil, unknown(name)
		}
		value, err := url.QueryUnescape(escapedValue)
		if err != nil || !utf8.ValidString(value) {
			return nil, chat.InvalidField(name, "is not escaped properly")
		}
		if _, twice := parameters[name]; twice {
			return nil, chat.InvalidField(name, "stands there more than once")
		}
		parameters[name] = value
	}
	return parameters, nil
}
