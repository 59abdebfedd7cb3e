package files

import (
	"fmt"
	"slices"
	"strings"

	"devinbox/pkg/chat"
)

// inline are the media types of pictures that no browser runs anything of, whatever their bytes are.
var inline = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"}

// shownAs is what the store says of a file when it is fetched: its media type, and Content-Disposition. A picture is shown.
// Anything else, such as SVG or HTML, is saved, under a type of which no browser runs anything.
func shownAs(file chat.StoredFile) (mediaType, disposition string) {
	if slices.Contains(inline, file.MediaType) {
		return file.MediaType, "inline" + named(file.FileName)
	}
	return "application/octet-stream", "attachment" + named(file.FileName)
}

// named are the parameters of Content-Disposition with a file's name (RFC 6266): for old clients in plain ASCII, for all
// others as it is, each byte that is no letter, digit or one of a few signs written as %XX (RFC 8187). Nothing of a name
// can end a parameter or a header.
func named(fileName string) string {
	fileName = chat.CleanFileName(strings.ToValidUTF8(fileName, ""))
	var plain, extended strings.Builder
	for _, r := range fileName {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) { // some clients decode %XX here, too
			r = '_'
		}
		plain.WriteRune(r)
	}
	for _, b := range []byte(fileName) {
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			extended.WriteByte(b)
		} else {
			fmt.Fprintf(&extended, "%%%02X", b)
		}
	}
	return `; filename="` + plain.String() + `"; filename*=UTF-8''` + extended.String()
}
