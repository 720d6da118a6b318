package auth

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"nacre/server/fault"
)

// minPassword is how many characters a new password has at least.
const minPassword = 12

var nameShape = regexp.MustCompile(`^[\pL\pN][\pL\pN._@-]{0,49}$`)

func checkName(name string) error {
	if !nameShape.MatchString(name) {
		return fault.New(fault.Invalid, "a user name has 1 to 50 letters, digits, dots, dashes, underscores or @, and begins with a letter or digit").WithCode(CodeName)
	}
	return nil
}

// CheckPassword returns nil when password may be the new one of the user of that name, else a fault,
// Invalid (CodePassword), whose text says what would be right.
func CheckPassword(name, password string) error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).WithCode(CodePassword)
	}
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return bad("the password is not UTF-8")
	case n < minPassword:
		return bad("the password has %d characters; it must have at least %d, a few words in a row are best", n, minPassword)
	case len(password) > maxPassword:
		return bad("the password has %d bytes; it may have %d at most", len(password), maxPassword)
	case strings.ContainsRune(password, 0):
		return bad("the password has a zero byte, which can't be typed")
	case isGuessed(name, password):
		return bad("the password is one of those that are tried first; take a few words that have nothing to do with each other or with this server")
	}
	return nil
}
