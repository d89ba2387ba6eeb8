# Writes the text file IN as the C array config_reference into OUT.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n    " bytes "${bytes}")
file(WRITE "${OUT}" "extern const char config_reference[];\nconst char config_reference[] = {\n    ${bytes}0};\n")
