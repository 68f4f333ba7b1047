from casnet_cli.cli import main

main()
