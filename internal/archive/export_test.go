package archive

// VacuumSQL is what the documentation has, too.
const VacuumSQL = vacuumSQL
