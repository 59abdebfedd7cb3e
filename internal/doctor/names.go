package doctor

import (
	"slices"
	"strings"

	"devinbox/pkg/config"
)

var (
	// ownPrefixes begin the names of variables that only devinbox and Pusher's apps have.
	ownPrefixes = []string{"CHAT_", "PUSHER_", "NEXT_PUBLIC_PUSHER_"}
	// notSettings are variables with such a name that the documents tell an app to have.
	notSettings = []string{"CHAT_URL"} // docs/e-mail.md
	// sameMeaning are variables of which one is enough.
	sameMeaning = [][]string{{"DATABASE_URL", "POSTGRES_URL"}, {"DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING"}, keyVariables, clusterVariables}
)

// misspelled finds variables that devinbox does not read, but that somebody probably meant for it.
func (d *doctor) misspelled() []Finding {
	var found []Finding
	known := config.Names()
	for _, name := range d.Set {
		nearest, isMeant := d.meant(name, known)
		if !isMeant {
			continue
		}
		detail, remedy := d.named(name)+" is not a variable of devinbox", "Remove it, unless another program reads it; .env.example lists all variables of devinbox."
		if nearest != "" {
			detail, remedy = detail+"; "+nearest+" is", "Rename it to "+nearest+", unless another program reads it."
		}
		if strings.HasPrefix(name, public) && strings.HasSuffix(nearest, "SECRET") {
			remedy += " Next.js writes a variable with this prefix into pages that name it: then make a new secret."
		}
		found = append(found, Finding{"variables", Warning, detail, remedy, name})
	}
	return found
}

// public begins the names of variables that Next.js writes into pages.
const public = "NEXT_PUBLIC_"

// meant tells whether a variable that is none of the known ones was probably meant for it, and which one it is then, if one
// is near.
//
// A prefix of devinbox's own is enough. Other programs have variables that begin with S3_, AUTH_ or POSTGRES_, some of them
// one letter away from one of devinbox's, such as DATABASE_URI and AUTH0_SECRET. So there only the rest may be
// misspelled, and the variable that it should be must be missing.
func (d *doctor) meant(name string, known []string) (nearest string, isMeant bool) {
	if slices.Contains(known, name) || slices.Contains(notSettings, name) {
		return "", false
	}
	given := strings.ToUpper(name)
	isOwn := hasOwnPrefix(given)
	best := [2]int{maxDistance + 1, 0}
	for _, candidate := range known {
		whole := distance(given, candidate)
		far := [2]int{min(whole, distance(strings.TrimPrefix(given, public), strings.TrimPrefix(candidate, public))), whole}
		if slices.Compare(far[:], best[:]) >= 0 {
			continue
		}
		first, rest, isLong := strings.Cut(candidate, "_")
		givenFirst, givenRest, _ := strings.Cut(given, "_")
		switch {
		case isOwn:
		case d.isSatisfied(candidate):
			continue
		case whole == 1 && (hasOwnPrefix(candidate) || len(first) >= 8 && givenRest == rest): // such as CAHT_GUESTS and DATBASE_URL
		case whole <= maxDistance && isLong && first == givenFirst: // such as S3_BUKET
		default:
			continue
		}
		best, nearest = far, candidate
	}
	return nearest, isOwn || nearest != ""
}

func hasOwnPrefix(name string) bool {
	return slices.ContainsFunc(ownPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// isSatisfied tells whether a variable is set, or another one that means the same.
func (d *doctor) isSatisfied(name string) bool {
	for _, names := range sameMeaning {
		if slices.Contains(names, name) {
			return slices.ContainsFunc(names, d.isSet)
		}
	}
	return d.isSet(name)
}

// maxDistance is how many letters may be wrong in a name that is still taken for another.
const maxDistance = 2

// distance is how many letters must be added, removed, replaced or swapped with the next one to get b from a.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			changed := 1
			if a[i] == b[j] {
				changed = 0
			}
			next[j+1] = min(last[j]+changed, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last = last, next
	}
	return last[len(b)]
}
