"""What others see of a round: recorder, pictures, MQTT."""
