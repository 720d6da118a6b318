package parts

// Chart is a picture of figures over time.
type Chart struct {
	Title string
	// URL is where the figures are, as JSON.
	URL, Unit string
	// Labels is JSON: the name of a line to what it is called.
	Labels string
	// Table, Max, Time, Empty and Failed are words: of the link to the table, of the columns, and for when there is nothing.
	Table, Max, Time, Empty, Failed string
}
