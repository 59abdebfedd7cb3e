package chat

import (
	"slices"
	"strings"
	"unicode"
)

// Limits of names and e-mails.
const (
	MaxNameCodePoints = 120 // a longer name is cut
	MaxEmailBytes     = 254 // a longer e-mail is dropped (RFC 5321, section 4.5.3.1.3)
)

// CleanName returns a name as it is stored and shown, from any source. Invisible characters are removed, so that
// no name looks like another one: control characters, and code points of the category Cf (such as those that change
// the direction of text) or with the property Default_Ignorable_Code_Point. Joiners and selectors stay if a
// script or an emoji needs them at their place. White space is folded to single blanks and trimmed. A name of more than
// [MaxNameCodePoints] is cut between two characters as a reader sees them. The result is valid UTF-8, is its own
// CleanName, and is empty if nothing visible is left.
//
// Letters that look alike, such as the Latin and the Cyrillic a, stay what they are.
func CleanName(s string) string {
	name := tidy(s)
	if len(name) > MaxNameCodePoints {
		name = tidy(string(name[:cutBefore(name, MaxNameCodePoints)])) // the cut may leave a blank or a joiner at the end
	}
	return shown(name)
}

// CleanEmail returns an e-mail as it is stored and shown: cleaned like a name, and empty if it has more than
// [MaxEmailBytes]. Use it only for showing: two different e-mails may become equal.
func CleanEmail(s string) string {
	if email := shown(tidy(s)); len(email) <= MaxEmailBytes {
		return email
	}
	return ""
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	textSelector       = '\ufe0e' // asks for an emoji as text
	emojiSelector      = '\ufe0f' // asks for it as a picture
	keycap             = '\u20e3' // makes a key of a digit before it
)

// isJoiner returns whether r has no shape of its own, but may be needed by the characters around it.
func isJoiner(r rune) bool {
	return r == zeroWidthNonJoiner || r == zeroWidthJoiner || r == textSelector || r == emojiSelector
}

// isInvisible returns whether r is a control character, of the category Cf, or a Default_Ignorable_Code_Point.
//
// Unicode derives that property (DerivedCoreProperties.txt) from Other_Default_Ignorable_Code_Point, Cf and
// Variation_Selector, without White_Space and without some of Cf. The latter are removed here as well, because they are
// of Cf; white space has become a blank before.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// joiningScripts are those whose writing uses U+200C and U+200D: letters join, or form conjuncts.
var joiningScripts = []*unicode.RangeTable{
	unicode.Adlam, unicode.Arabic, unicode.Balinese, unicode.Bengali, unicode.Devanagari, unicode.Gujarati, unicode.Gurmukhi,
	unicode.Hanifi_Rohingya, unicode.Javanese, unicode.Kannada, unicode.Khmer, unicode.Malayalam, unicode.Mongolian, unicode.Nko,
	unicode.Oriya, unicode.Sinhala, unicode.Syriac, unicode.Tamil, unicode.Telugu,
}

// viramas take the vowel from the letter before them. Followed by U+200D, that letter has its own form, even at
// the end of a word: many names in Malayalam are written like this.
const viramas = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"

// emoji are where Unicode has its emoji. It is wider than the property Extended_Pictographic, which Go has no table
// of, by some symbols.
var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00a9, Hi: 0x00ae, Stride: 5}, {Lo: 0x203c, Hi: 0x2049, Stride: 13}, {Lo: 0x2122, Hi: 0x2139, Stride: 23}, {Lo: 0x2194, Hi: 0x21aa, Stride: 1},
		{Lo: 0x231a, Hi: 0x23fa, Stride: 1}, {Lo: 0x24c2, Hi: 0x24c2, Stride: 1}, {Lo: 0x25aa, Hi: 0x27bf, Stride: 1}, {Lo: 0x2934, Hi: 0x2935, Stride: 1},
		{Lo: 0x2b05, Hi: 0x2b55, Stride: 1}, {Lo: 0x3030, Hi: 0x303d, Stride: 13}, {Lo: 0x3297, Hi: 0x3299, Stride: 2},
	},
	R32:         []unicode.Range32{{Lo: 0x1f000, Hi: 0x1f1e5, Stride: 1}, {Lo: 0x1f200, Hi: 0x1faff, Stride: 1}},
	LatinOffset: 1,
}

// blanks show nothing, although Unicode counts them as symbols or letters.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}},                                          // a Braille cell without dots
	R32: []unicode.Range32{{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x1d159, Hi: 0x1d159, Stride: 1}}, // a hieroglyph, a note
}

// tidy removes invisible characters, and folds white space. A second call changes nothing.
func tidy(s string) []rune {
	var kept []rune
	for _, r := range strings.ToValidUTF8(s, "") {
		if unicode.Is(unicode.White_Space, r) {
			kept = append(kept, ' ')
		} else if isJoiner(r) || !isInvisible(r) {
			kept = append(kept, r)
		}
	}
	// What follows each, joiners passed over: found from the end, so that many of them cost no more than one.
	next := make([]rune, len(kept)+1)
	for i, r := range slices.Backward(kept) {
		if next[i] = r; isJoiner(r) {
			next[i] = next[i+1]
		}
	}

	out := kept[:0]
	var last, base rune // what was written last, and the last of that which does not only add to what is before it
	for i, r := range kept {
		if r == ' ' && (last == ' ' || len(out) == 0) || isJoiner(r) && !isNeeded(r, last, base, next[i]) {
			continue
		}
		out, last = append(out, r), r
		if !unicode.Is(unicode.Inherited, r) {
			base = r
		}
	}
	if last == ' ' {
		out = out[:len(out)-1]
	}
	return out
}

// isNeeded returns whether a joiner has a meaning at its place.
func isNeeded(joiner, last, base, next rune) bool {
	if isJoiner(last) && !(last == emojiSelector && joiner == zeroWidthJoiner) {
		return false
	}
	switch joiner {
	case textSelector, emojiSelector:
		return unicode.Is(emoji, last) || next == keycap && strings.ContainsRune("0123456789#*", last)
	case zeroWidthJoiner:
		if unicode.Is(emoji, base) && (last == base || last == emojiSelector) && unicode.Is(emoji, next) {
			return true
		}
		if strings.ContainsRune(viramas, last) {
			return true
		}
	}
	return slices.ContainsFunc(joiningScripts, func(script *unicode.RangeTable) bool {
		return isLetterOf(script, base) && isLetterOf(script, next)
	})
}

// isLetterOf returns whether r is a letter of a script, or a mark that belongs to its letters.
func isLetterOf(script *unicode.RangeTable, r rune) bool {
	return unicode.Is(script, r) && unicode.In(r, unicode.L, unicode.M)
}

// cutBefore returns the last place up to n at which a text can be cut without leaving half of what a reader sees as
// one: a letter without its accent, a part of an emoji. If there is none it is n. It follows Unicode's grapheme
// clusters (UAX #29) as far as Go has their tables.
func cutBefore(text []rune, n int) int {
	for i := n; i > 0; i-- {
		if !belongs(text, i) {
			return i
		}
	}
	return n
}

// belongs returns whether text[i] belongs to what is before it.
func belongs(text []rune, i int) bool {
	r, before := text[i], text[i-1]
	switch {
	case unicode.Is(unicode.M, r), isJoiner(r), '\U0001f3fb' <= r && r <= '\U0001f3ff': // the last are tones of skin
		return true
	case before == zeroWidthJoiner, strings.ContainsRune(viramas, before):
		return r != ' '
	case '\u1160' <= r && r <= '\u11ff', '\ud7b0' <= r && r <= '\ud7fb': // vowels and finals of Hangul
		return unicode.Is(unicode.Hangul, before)
	}
	letters := 0 // of flags, each of which has two
	for i -= 1; i >= 0 && isFlagLetter(text[i]); i-- {
		letters++
	}
	return isFlagLetter(r) && letters%2 == 1
}

func isFlagLetter(r rune) bool { return '\U0001f1e6' <= r && r <= '\U0001f1ff' }

// shown is a tidy text, or none if nothing of it can be seen.
func shown(text []rune) string {
	for _, r := range text {
		if r != ' ' && !unicode.In(r, unicode.M, unicode.Inherited, blanks) {
			return string(text)
		}
	}
	return ""
}
