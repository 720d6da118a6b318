package config

import "nacre/views/parts"

// Canary is the part of the page that shows the variants.
type Canary struct {
	Head
	// None stands there when there is no variant; nil otherwise.
	None     *parts.Empty
	Variants []Variant
}

// Variant is a content that only some clients see.
type Variant struct {
	// ID names it on the page.
	ID, Heading, Rule, By string
	When                  parts.Moment
	Sees                  string
	Sync                  parts.State
	Clients               []VariantClient
	More                  string
	// Live is where the clients are read again.
	Live string
	// Only says that the others see nothing; else Diff is what lies between the two, with the keys that differ.
	Only       string
	Diff       parts.Diff
	KeySummary string
	Keys       []parts.KeyChange
	MoreKeys   string
	Change     string
	Promote    parts.Confirm
	Stop       parts.Confirm
}

// VariantClient is a client that sees a variant.
type VariantClient struct {
	Text, Note string
	State      parts.State
}
